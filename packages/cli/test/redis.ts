import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectProducer, openQueues, type PoolQueues, prefixOf, type QueueName } from '@spica/queues';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { type Processor, Worker } from 'bullmq';
import type { Redis } from 'ioredis';

/** The pool `main` as far as Redis goes: queues, and workers that do what a test says. */
export interface TestQueues {
  readonly redis: Redis;
  readonly queues: PoolQueues;
  /** Process id of the Redis server. */
  readonly pid: number;
  /** The embedded Redis's state directory. */
  readonly stateDir: string;
  work(name: QueueName, processor: Processor): Promise<Worker>;
  close(): Promise<void>;
}

/** Starts a Redis of its own, as `spica up` does, with the queues of the pool `main`. */
export async function startQueues(): Promise<TestQueues> {
  const stateDir = await mkdtemp(join(tmpdir(), 'spica-cli-redis-'));
  const logger = createLogger({ level: 'silent', pretty: false });
  const server = await startEmbeddedRedis({ stateDir, logger });
  const redis = await connectProducer(server.target);
  const workers: Worker[] = [];
  return {
    redis,
    queues: openQueues('main', redis),
    pid: server.pid,
    stateDir,
    async work(name, processor) {
      const path = 'socket' in server.target ? server.target.socket : '';
      const worker = new Worker(name, processor, {
        connection: { path, maxRetriesPerRequest: null },
        prefix: prefixOf('main'),
      });
      worker.on('error', () => undefined); // its Redis is killed in some tests
      workers.push(worker);
      await worker.waitUntilReady();
      return worker;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close(true)));
      redis.disconnect();
      await server.stop();
      await rm(stateDir, { recursive: true });
    },
  };
}

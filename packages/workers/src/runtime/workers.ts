import {
  connectWorker,
  prefixOf,
  QUEUE_NAMES,
  type QueueName,
  type RedisTarget,
  tracing,
} from '@spica/queues';
import { type Processor, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ServedContext } from '../context.ts';
import { createGatekeeper } from '../gatekeeper/processor.ts';
import { createPruner } from '../pruner/processor.ts';
import { createSampler } from '../sampler/processor.ts';
import { createSpawner } from '../spawner/processor.ts';
import { endsWithin } from './endings.ts';
import { SHUTTING_DOWN } from './hand-back.ts';

/** A job whose worker died is taken up again after about this long: its lock ends, and the next check finds it. */
const LOCK_MS = 5_000;
const STALLED_CHECK_MS = 1_000;
/** A gate job lives through many runs, and its count of stalls never goes back to 0. */
const MANY = 1_000_000;
/** How many jobs ended in each minute, for Bull Board: of one day. */
const METRICS_MINUTES = 1_440;
/** How much of a graceful stop's time is left to jobs that were asked to hand back. */
const HAND_BACK_MS = 5_000;

/** Who asks something is answered beside what is measured (sampler/processor.ts). */
const ASK_SLOTS = 1;

export interface PoolWorkers {
  /** Has the clones in progress given up, for this reason. */
  cancelSpawns(reason: string): void;
  /** How many jobs of each queue run at a time from now on; those that run go on. */
  setConcurrency(concurrency: Readonly<Record<QueueName, number>>): void;
  /** Finishes what runs; what has not ended by `deadlineMs` has to stop, and is taken up by the next start. */
  close(deadlineMs: number): Promise<void>;
}

/** Starts the four workers of a pool, each with its own concurrency. */
export async function startWorkers(ctx: ServedContext, target: RedisTarget): Promise<PoolWorkers> {
  const processors: Record<QueueName, Processor> = {
    gate: createGatekeeper(ctx),
    spawn: createSpawner(ctx),
    prune: createPruner(ctx),
    sample: createSampler(ctx),
  };
  const connections: Redis[] = [];
  const workers = QUEUE_NAMES.map((name) => {
    const connection = connectWorker(target);
    connection.on('error', (error: Error) =>
      ctx.logger.debug({ err: error, queue: name }, 'Redis connection'),
    );
    connections.push(connection);
    const worker = new Worker(name, processors[name], {
      connection,
      prefix: prefixOf(ctx.pool.name),
      concurrency: slotsOf(name, ctx.config.concurrency),
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: MANY,
      metrics: { maxDataPoints: METRICS_MINUTES },
      ...tracing(),
    });
    worker.on('error', (error) => ctx.logger.debug({ err: error, queue: name }, 'worker'));
    worker.on('failed', (job, error) => {
      const level = error.name === 'UnrecoverableError' ? 'debug' : 'error';
      ctx.logger[level]({ err: error, queue: name, job: job?.id }, 'job failed');
    });
    return worker;
  });
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  return {
    cancelSpawns: (reason) => workers[QUEUE_NAMES.indexOf('spawn')]?.cancelAllJobs(reason),
    setConcurrency(concurrency) {
      for (const [at, name] of QUEUE_NAMES.entries()) {
        const worker = workers[at];
        if (worker) worker.concurrency = slotsOf(name, concurrency);
      }
    },
    async close(deadlineMs) {
      const closing = Promise.all(workers.map((worker) => worker.close()));
      if (!(await endsWithin(closing, deadlineMs - HAND_BACK_MS))) {
        for (const worker of workers) worker.cancelAllJobs(SHUTTING_DOWN);
        if (!(await endsWithin(closing, Math.min(deadlineMs, HAND_BACK_MS)))) {
          ctx.logger.warn('jobs are left in the middle; the next start takes them up');
        }
      }
      for (const connection of connections) connection.disconnect();
    },
  };
}

function slotsOf(name: QueueName, concurrency: Readonly<Record<QueueName, number>>): number {
  return concurrency[name] + (name === 'sample' ? ASK_SLOTS : 0);
}

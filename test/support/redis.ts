import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectProducer } from '@spica/queues';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, inject } from 'vitest';
// Not by the package's name: suites of the packages below it need no more of it than this.
import { startEmbeddedRedis } from '../../packages/workers/src/runtime/embedded-redis.ts';
import { freePort } from './free-port.ts';

const IMAGE = 'redis:7-alpine';
/** As in production (embedded-redis.ts): every write is kept, and nothing is evicted. */
const SETTINGS = ['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', ''];

/** The Redis of a suite. Use it in `beforeEach` and in tests: where its engine is missing, `beforeAll` runs without. */
export interface TestRedis {
  readonly url: string;
  /** Empties it. */
  flush(): Promise<void>;
}

interface Started {
  readonly url: string;
  stop(): Promise<void>;
}

interface Engine {
  readonly name: string;
  /** Why its tests are skipped; null where they can run. Asked only where one of them is to run. */
  findMissing(): Promise<string | null>;
  start(): Promise<Started>;
}

const LOCAL: Engine = {
  name: 'a local redis-server',
  findMissing: async () => null,
  start: startLocal,
};
const CONTAINER: Engine = {
  name: `the image ${IMAGE}`,
  // Imported here: the client for containers takes longer to load than most files that import this one take to run.
  findMissing: async () => (await import('./docker.ts')).missingImage(IMAGE),
  start: startContainer,
};

/**
 * Runs a suite on a local redis-server and on the Redis image, in a container. Where that cannot be had, its tests are
 * skipped, with the reason. A quick run (vitest.config.ts) has only the first.
 */
export function describeOnRedis(name: string, suite: (redis: TestRedis) => void): void {
  for (const engine of inject('quick') ? [LOCAL] : [LOCAL, CONTAINER]) {
    describe(`${name} (on ${engine.name})`, () => {
      let missing: string | null;
      let started: Started | undefined;
      const url = () => {
        if (started) return started.url;
        throw new Error(missing ?? 'the Redis of a suite is there from beforeEach on');
      };
      beforeAll(async () => {
        missing = await engine.findMissing();
        if (missing === null) started = await engine.start();
      });
      beforeEach((context) => {
        if (missing !== null) context.skip(missing);
      });
      suite({
        get url() {
          return url();
        },
        flush: () => flush(url()),
      });
      afterAll(() => started?.stop());
    });
  }
}

/** A redis-server of a test's own, which can be killed and started again where it was. */
export interface LocalRedis {
  readonly url: string;
  /** With SIGKILL; resolves once it has ended. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it had kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** So many ports are tried. */
const MOST_PORTS = 5;

/** Starts a redis-server as `spica up` does, but on a TCP port. */
export async function startLocal(): Promise<LocalRedis> {
  const stateDir = await mkdtemp(join(tmpdir(), 'spica-redis-'));
  let port = 0;
  const start = async () => {
    const started = await startEmbeddedRedis({ stateDir, logger: pino({ level: 'silent' }) });
    const redis = await connectProducer(started.target);
    if (port === 0) port = await listenAnywhere(redis);
    else await redis.config('SET', 'port', port);
    redis.disconnect();
    return started;
  };
  let server = await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
    },
    async restart() {
      server = await start();
    },
    async stop() {
      await server.stop();
      await rm(stateDir, { recursive: true });
    },
  };
}

/** Somebody else may take a port between its choice and its use: then it is another one. */
async function listenAnywhere(redis: Redis): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const failure = await redis.config('SET', 'port', port).then(() => null, String);
    if (failure === null) return port;
    if (tries === MOST_PORTS) throw new Error(failure);
  }
}

async function startContainer(): Promise<Started> {
  const { RedisContainer } = await import('@testcontainers/redis');
  const container = await new RedisContainer(IMAGE).withCommand(['redis-server', ...SETTINGS]).start();
  return {
    url: container.getConnectionUrl(),
    async stop() {
      await container.stop();
    },
  };
}

/** Empties a Redis. */
export async function flush(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

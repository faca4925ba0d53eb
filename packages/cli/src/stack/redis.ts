import { type Config, UnreachableError } from '@spica/core';
import { connectProducer, describeTarget, type RedisTarget, redisTargetOf } from '@spica/queues';
import { type createLogger, type EmbeddedRedis, startEmbeddedRedis } from '@spica/workers';

/** An embedded Redis that ends sooner than this is not started once more. */
const LIVED_MS = 10_000;

/** The Redis that a stack runs on. */
export interface StackRedis {
  readonly target: RedisTarget;
  readonly description: string;
  /** Rejects when it is gone for good. */
  readonly lost: Promise<never>;
  stop(): Promise<void>;
  /** Ends the child at once. */
  kill(): void;
}

type Logger = ReturnType<typeof createLogger>;

/**
 * The Redis of REDIS_URL, which has to answer, or an embedded one that is started again when it ends. Throws
 * UnreachableError, or what `startEmbeddedRedis` throws.
 */
export async function openStackRedis(config: Config, logger: Logger): Promise<StackRedis> {
  const target = redisTargetOf(config);
  if (config.redis.url === null) return keepEmbedded(config.stateDir, target, logger);
  (await connectProducer(target)).disconnect();
  return {
    target,
    description: describeTarget(target),
    lost: new Promise(() => undefined), // the workers wait for it to come back
    stop: async () => undefined,
    kill: () => undefined,
  };
}

async function keepEmbedded(stateDir: string, target: RedisTarget, logger: Logger): Promise<StackRedis> {
  let redis: EmbeddedRedis = await startEmbeddedRedis({ stateDir, logger });
  let startedAt = performance.now();
  let stopping = false;
  const keep = async (): Promise<never> => {
    for (;;) {
      await redis.ended;
      if (stopping) return new Promise(() => undefined);
      if (performance.now() - startedAt < LIVED_MS) throw gone();
      logger.error('the embedded Redis has ended; starting it again');
      startedAt = performance.now();
      redis = await startEmbeddedRedis({ stateDir, logger });
    }
  };
  const lost = keep();
  lost.catch(() => undefined); // whoever runs the stack awaits it; until then it must not end the process
  return {
    target,
    description: `embedded, ${describeTarget(target)}`,
    lost,
    async stop() {
      stopping = true;
      await redis.stop();
    },
    kill() {
      stopping = true;
      endNow(redis.pid);
    },
  };
}

function gone(): UnreachableError {
  return new UnreachableError('REDIS_UNREACHABLE', 'the embedded Redis ends as soon as it is started');
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // ESRCH: it has ended
  }
}

import { withDeadline } from '@spica/core';
import { connectProducer, type RedisTarget } from '@spica/queues';
import type { createLogger, Runtime } from '@spica/workers';

export interface SoundOptions {
  readonly runtime: Pick<Runtime, 'ping'>;
  readonly target: RedisTarget;
  readonly logger: Pick<ReturnType<typeof createLogger>, 'error'>;
}

/**
 * Whether this process can go on as it is: its connection to Redis answers, or Redis answers nobody, which a new start
 * would not change. Only a connection that stays silent while a new one is answered is past help. Takes about `withinMs`
 * milliseconds, and at most 3 s more; never throws.
 */
export async function isSound({ runtime, target, logger }: SoundOptions, withinMs: number): Promise<boolean> {
  try {
    await withDeadline(runtime.ping(), withinMs, 'Redis');
    return true;
  } catch (error) {
    if (!(await answersAnew(target))) return true;
    logger.error({ err: error }, 'the connection to Redis is dead, though Redis answers: a new start is due');
    return false;
  }
}

async function answersAnew(target: RedisTarget): Promise<boolean> {
  try {
    (await connectProducer(target)).disconnect();
    return true;
  } catch {
    return false; // whatever is wrong with it, a new start would meet it too
  }
}

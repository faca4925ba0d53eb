import { systemClock } from '@spica/core';
import { closeQueues } from '@spica/queues';
import { createLogger, openPoolContext, type PoolContext } from '@spica/workers';
import type { Invocation } from '../io.ts';
import { loadConfig } from './config.ts';
import { choosePool } from './pool.ts';
import { withRedis } from './redis.ts';

/** Opens the command's pool, disk and catalog, for looking and planning, and closes it after the work. */
export async function withPool<T>(
  { io, options }: Invocation,
  work: (ctx: PoolContext) => Promise<T>,
): Promise<T> {
  const { config } = await loadConfig(io, options);
  const pool = choosePool(config, options.pool).name;
  const logger = createLogger({
    level: options.verbose ? 'debug' : 'warn',
    pretty: io.stderr.isTTY === true,
  });
  return withRedis(config, async (redis) => {
    const ctx = await openPoolContext({ config, pool, redis, clock: systemClock, logger });
    const result = await work(ctx);
    await closeQueues(ctx.queues);
    return result;
  });
}

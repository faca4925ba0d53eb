import { EXIT_CODES } from '@spica/core';
import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import type { Invocation } from '../io.ts';
import { writePoolStatus } from '../output/status.ts';
import { writeJson } from '../output/write.ts';
import { readPoolStatus } from '../status/read.ts';

/** `spica status`: how each pool stands. Exit 1 where one cannot be served from here. */
export async function status({ io, options }: Invocation): Promise<number> {
  const loaded = await loadConfig(io, options);
  const config = choosePools(loaded.config, options.pool);
  const pools = await withRedis(config, (redis) =>
    Promise.all(Object.values(config.pools).map((policy) => readPoolStatus(policy, redis))),
  );
  if (options.json) writeJson(io.stdout, { pools });
  else {
    for (const [index, pool] of pools.entries()) {
      if (index > 0) io.stdout.write('\n');
      writePoolStatus(io.stdout, pool);
    }
  }
  return pools.some(({ problem }) => problem !== null) ? EXIT_CODES.check : 0;
}

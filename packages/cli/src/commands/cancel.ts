import { cancelRequest, readRequest } from '@spica/client/redis';
import { CheckError } from '@spica/core';
import { closeQueues, openQueues } from '@spica/queues';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';

/** `spica cancel REQUEST`: one that is held leaves at once, one that is being spawned is undone. Exit 1 once it has ended. */
export async function cancel({ io, args, options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  const pool = policy.name;
  const request = args[0] ?? '';
  return withRedis(config, async (redis) => {
    const catalog = await openOwnCatalog(redis, policy);
    const queues = openQueues(pool, redis);
    const { state } = await readRequest({ queues, name: pool, catalog }, request);
    if (state === 'completed' || state === 'failed') throw ended(request, state);
    const by = parseWho('--by', undefined);
    const outcome = await cancelRequest({ name: pool, catalog, queues }, request, { by });
    await closeQueues(queues);
    if (outcome === 'completed') throw ended(request, outcome);
    if (options.json) writeJson(io.stdout, { pool, request, cancelled: true });
    else io.stdout.write(`${request}\n`);
    return 0;
  });
}

function ended(request: string, state: string): CheckError {
  return new CheckError('REQUEST_ENDED', `request ${request}: it has ended already (${state})`);
}

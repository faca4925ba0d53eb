import { createCatalog } from '@spica/catalog';
import { CheckError, isInstanceId, type PoolConfig, SpicaError } from '@spica/core';
import { type Manifest, openPool, readManifest } from '@spica/pool';
import { closeQueues, openQueues } from '@spica/queues';
import type { Redis } from 'ioredis';
import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import type { Invocation } from '../io.ts';
import { toInstanceJson, writeInstance } from '../output/instance.ts';
import { writeRequest } from '../output/request.ts';
import { writeJson } from '../output/write.ts';
import { readRequest } from '../request/read.ts';

/** `spica show ID`: all that is known of an instance, or where a request stands. */
export async function show({ io, args, options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  const policy = choosePool(config, options.pool);
  const id = args[0] ?? '';
  return withRedis(config, async (redis) => {
    if (isInstanceId(id)) {
      const { instance, manifest } = await findInstance(policy, redis, id);
      if (options.json) writeJson(io.stdout, { ...toInstanceJson(instance), manifest });
      else writeInstance(io.stdout, instance, manifest);
      return 0;
    }
    const queues = openQueues(policy.name, redis);
    const request = await readRequest(queues, policy.name, id);
    await closeQueues(queues);
    if (options.json) writeJson(io.stdout, request);
    else writeRequest(io.stdout, request);
    return 0;
  });
}

async function findInstance(policy: PoolConfig, redis: Redis, id: string) {
  const instance = await createCatalog({ redis, pool: policy.name }).get(id);
  if (!instance) throw new CheckError('INSTANCE_UNKNOWN', `id: no instance ${id} in pool ${policy.name}`);
  return { instance, manifest: await manifestOf(policy, id) };
}

/** Null where the pool is not on this host, or what lies there is not what it should be: `spica verify` tells. */
async function manifestOf({ name, root }: PoolConfig, id: string): Promise<Manifest | null> {
  try {
    return await readManifest(await openPool({ name, root }), id);
  } catch (error) {
    if (error instanceof SpicaError) return null;
    throw error;
  }
}

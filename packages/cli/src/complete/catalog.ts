import { findInstances } from '@spica/client/redis';
import { type Config, type PoolConfig, retentionPolicyOf } from '@spica/core';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { withRedis } from '../context/redis.ts';

/** More than anybody reads. */
const MOST = 100;
/** Instances that are looked at for the names of their experiments. */
const MOST_LOOKED_AT = 1_000;

/** Ids of instances, or names of their experiments, that hold a text; the youngest first. */
export async function readFromCatalog(
  config: Config,
  policy: PoolConfig,
  { kind, text }: { readonly kind: 'instance' | 'experiment'; readonly text: string },
): Promise<readonly string[]> {
  const found = await withRedis(config, async (redis) => {
    const catalog = await openOwnCatalog(redis, policy);
    const query = { q: text, sort: 'age', limit: kind === 'instance' ? MOST : MOST_LOOKED_AT } as const;
    return (await findInstances({ catalog }, query, retentionPolicyOf(policy.retention))).found;
  });
  if (kind === 'instance') return found.map(({ instance }) => instance.record.id);
  const names = found.map(({ instance }) => instance.record.experiment).filter((name) => name !== null);
  return [...new Set(names)].slice(0, MOST);
}

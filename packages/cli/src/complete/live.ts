import { findInstances } from '@spica/client/redis';
import { retentionPolicyOf } from '@spica/core';
import { loadConfig } from '../context/config.ts';
import { openOwnCatalog } from '../context/own-catalog.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import type { Io } from '../io.ts';
import type { Kind } from './kinds.ts';
import type { Words } from './words.ts';

/** More than anybody reads. */
const MOST = 100;
/** Instances that are looked at for the names of their experiments. */
const MOST_LOOKED_AT = 1_000;

/** The values of a kind that begin as the last word does. Throws where config or Redis cannot be read. */
export async function readValues(io: Io, kind: Kind, asked: Words): Promise<readonly string[]> {
  if (kind === 'file') return [];
  const { config } = await loadConfig(io, { ...(asked.config === undefined ? {} : { config: asked.config }) });
  if (kind === 'pool') return Object.keys(config.pools);
  const policy = choosePool(config, asked.pool);
  if (kind === 'template') return Object.keys(policy.templates);
  const begun = (asked.words.at(-1) ?? '').replace(/^.*=/, '');
  const found = await withRedis(config, async (redis) => {
    const catalog = await openOwnCatalog(redis, policy);
    const query = { q: begun, sort: 'age', limit: kind === 'instance' ? MOST : MOST_LOOKED_AT } as const;
    return (await findInstances({ catalog }, query, retentionPolicyOf(policy.retention))).found;
  });
  if (kind === 'instance') return found.map(({ instance }) => instance.record.id);
  const names = found.map(({ instance }) => instance.record.experiment).filter((name) => name !== null);
  return [...new Set(names)].slice(0, MOST);
}

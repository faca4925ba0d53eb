import { hostname } from 'node:os';
import type { PoolFacts } from '@spica/catalog';
import { floorOf } from '@spica/core';
import { filesystemTypeOf } from '@spica/pool';
import type { PoolContext } from '../context.ts';

/** What a pool is, for whoever looks on from elsewhere: what its config and its disk say that does not change by itself. */
export async function poolFactsOf({
  policy,
  pool,
}: Pick<PoolContext, 'policy' | 'pool'>): Promise<PoolFacts> {
  const { maxInstanceGb, maxPoolGb } = policy.disk;
  const inBytes = (gb: number | null) => (gb === null ? null : gb * 1e9);
  return {
    host: hostname(),
    filesystem: await filesystemTypeOf(pool.paths.root),
    templates: Object.keys(policy.templates),
    minFreeBytes: floorOf(policy.disk, null).bytes,
    maxInstanceBytes: inBytes(maxInstanceGb),
    maxPoolBytes: inBytes(maxPoolGb),
  };
}

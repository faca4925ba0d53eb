import type { PoolConfig } from '@spica/core';
import { countWorkers } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Io } from '../io.ts';

/**
 * What was said of an instance is brought to the disk by the pool's worker. Says on standard error where there is none:
 * until there is, Redis alone knows of it.
 */
export async function warnIfUnmirrored(
  { stderr }: Pick<Io, 'stderr'>,
  { redis, policy }: { readonly redis: Redis; readonly policy: Pick<PoolConfig, 'name'> },
): Promise<void> {
  if ((await countWorkers(redis, policy.name)).gate !== 0) return;
  stderr.write(
    `no worker serves pool ${policy.name}: only Redis knows of this, and \`spica prune --offline\` does not, until ` +
      '`spica up` has brought it to the disk\n',
  );
}

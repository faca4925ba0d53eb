import type { PrunePayload, SamplePayload } from '@spica/queues';
import type { PoolContext } from '../context.ts';

const PRUNE = 'prune-schedule';
const SAMPLE = 'sample-schedule';

/** Puts the repeating jobs of a pool in place as the config has them now. */
export async function schedule({ config, pool, queues }: PoolContext): Promise<void> {
  const prune: PrunePayload = { pool: pool.name, cause: 'schedule' };
  const sample: SamplePayload = { pool: pool.name, ids: null };
  const repeat =
    'everyMs' in config.prune ? { every: config.prune.everyMs } : { pattern: config.prune.pattern };
  await queues.prune.upsertJobScheduler(PRUNE, repeat, { name: 'prune', data: prune });
  await queues.sample.upsertJobScheduler(
    SAMPLE,
    { every: config.sample.everyMs },
    { name: 'sample', data: sample },
  );
}

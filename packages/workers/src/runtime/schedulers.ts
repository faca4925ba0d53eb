import type { PrunePayload, SamplePayload } from '@spica/queues';
import type { PoolContext } from '../context.ts';

const PRUNE = 'prune-schedule';
const SAMPLE = 'sample-schedule';
const RECONCILE = 'reconcile-schedule';
/** What drifts apart by itself is what others do to the disk: rare, and reported by the next one. */
const RECONCILE_EVERY_MS = 3_600_000;

/** Puts the repeating jobs of a pool in place as the config has them now. */
export async function schedule({ config, pool, queues }: PoolContext): Promise<void> {
  const prune: PrunePayload = { pool: pool.name, cause: 'schedule' };
  const sample: SamplePayload = { pool: pool.name, ids: null };
  const reconcile: PrunePayload = { pool: pool.name, cause: 'reconcile' };
  const repeat =
    'everyMs' in config.prune ? { every: config.prune.everyMs } : { pattern: config.prune.pattern };
  await queues.prune.upsertJobScheduler(PRUNE, repeat, { name: 'prune', data: prune });
  await queues.sample.upsertJobScheduler(
    SAMPLE,
    { every: config.sample.everyMs },
    { name: 'sample', data: sample },
  );
  await queues.prune.upsertJobScheduler(
    RECONCILE,
    { every: RECONCILE_EVERY_MS },
    { name: 'reconcile', data: reconcile },
  );
}

import { type RetentionPlan, tallyRules } from '@spica/core';
import type { PrunePlan, PruneReport, PruneResult } from '@spica/queues';

/** A plan, as what it would do. */
export function reportPlan<Digest extends string | null>(
  pool: string,
  planned: Pick<PruneResult, 'unknownDirectories'> & {
    readonly plan: RetentionPlan & Pick<PruneResult, 'unseen'>;
    readonly digest: Digest;
    readonly offline: boolean;
    /** The instances that were chosen; none where the policy chose. */
    readonly ids: readonly string[];
  },
): PruneReport & Pick<PrunePlan, 'items' | 'keptBy' | 'deletedBy'> & { digest: Digest } {
  const { plan, digest, unknownDirectories, offline, ids } = planned;
  const known = new Set(plan.items.map(({ id }) => id));
  return {
    pool,
    dryRun: true,
    offline,
    digest,
    items: plan.items.map(({ candidate: _, ...item }) => item),
    pruned: plan.deletes.map(({ id, reason, bytes }) => ({ id, reason, bytes })),
    kept: plan.kept,
    skipped: ids.filter((id) => !known.has(id)).map((id) => ({ id, reason: 'it is gone already' })),
    failed: [],
    ...tallyRules(plan.items),
    failsAgain: false,
    unknownDirectories,
    unseen: plan.unseen,
    reclaimedBytes: plan.frees.bytes,
    trashedBytes: 0,
    sentence: plan.sentence,
  };
}

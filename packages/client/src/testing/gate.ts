import type { CatalogInstance } from '@spica/catalog';
import {
  candidateOf,
  type Decision,
  decideAdmission,
  type PlanItem,
  planRetention,
  type RetentionPolicy,
} from '@spica/core';

const NOTHING = { bytes: 0, inodes: 0 };
/** Disk is no matter here: there is always enough. */
const ENDLESS = { availableBytes: 2 ** 50, totalBytes: 2 ** 50, freeInodes: null, totalInodes: null };

/** What the gate does with a request as things stand. */
export interface Verdict {
  readonly decision: Decision;
  /** What has to go for it where it is short; null where that would not do. */
  readonly deletes: readonly PlanItem[] | null;
}

/** Decides by the rules of the real gate, of which only the number of instances matters here. */
export function decide(
  count: number,
  instances: readonly CatalogInstance[],
  { policy, now }: { readonly policy: RetentionPolicy; readonly now: number },
): Verdict {
  const decision = decideAdmission({
    count,
    perInstance: NOTHING,
    certain: NOTHING,
    basis: { from: 'snapshot' },
    safetyFactor: 1,
    replicas: null,
    space: ENDLESS,
    reserved: { ...NOTHING, slots: 0 },
    growth: NOTHING,
    floor: NOTHING,
    bounds: [],
    instances: instances.length,
    maxInstances: policy.maxInstances,
  });
  if (decision.verdict !== 'short') return { decision, deletes: null };
  const plan = planRetention({
    instances: instances.map((each) => candidateOf(each, now, NOTHING)),
    policy,
    now,
    leaseNow: now,
    ageRulesSuspended: null,
    reservedSlots: 0,
    need: decision.need,
    shortfall: decision.shortfall,
  });
  return { decision, deletes: plan.sufficient ? plan.deletes : null };
}

import type { Catalog, CatalogInstance } from '@spica/catalog';
import {
  type Candidate,
  candidateOf,
  type Departure,
  departuresOf,
  isWorkGivenUp,
  type PoolConfig,
  retentionPolicyOf,
  systemClock,
  UNSAVED,
} from '@spica/core';

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/** What a plan has found that would be lost keeps an instance, until the next one looks. */
function withUnsaved(candidate: Candidate, { unsaved }: CatalogInstance): Candidate {
  if (unsaved === null || candidate.protectedBy !== null || isWorkGivenUp(candidate)) return candidate;
  return { ...candidate, protectedBy: { rule: UNSAVED, reason: unsaved } };
}

/**
 * When each instance would go by itself, and by which rule, as far as the catalog says: processes and lock files are looked
 * for only where something is to be deleted. Those that are being deleted are missing.
 */
export async function readDepartures(
  catalog: Pick<Catalog, 'publishedGate' | 'clockState'>,
  { retention }: Pick<PoolConfig, 'retention'>,
  instances: readonly CatalogInstance[],
): Promise<ReadonlyMap<string, Departure>> {
  const [published, clock] = await Promise.all([catalog.publishedGate(), catalog.clockState()]);
  const now = systemClock.now();
  const leaseNow = now - Math.max(0, clock.suspended?.aheadMs ?? 0);
  return departuresOf({
    instances: instances
      .filter(({ state }) => state !== 'deleting')
      .map((instance) => withUnsaved(candidateOf(instance, leaseNow, NOTHING), instance)),
    policy: retentionPolicyOf(retention),
    now,
    leaseNow,
    ageRulesSuspended: clock.suspended?.reason ?? null,
    reservedSlots: published?.sums.reserved.slots ?? 0,
    need: NOTHING,
    shortfall: NOTHING,
  });
}

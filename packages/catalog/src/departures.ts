import {
  type Candidate,
  candidateOf,
  type Departure,
  departuresOf,
  isWorkGivenUp,
  type RetentionPolicy,
  UNSAVED,
} from '@spica/core';
import type { Catalog } from './catalog.ts';
import type { CatalogInstance } from './values.ts';

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/** What a plan has found that would be lost keeps an instance, until the next one looks. */
function withUnsaved(candidate: Candidate, { unsaved, record }: CatalogInstance): Candidate {
  if (unsaved === null || candidate.protectedBy !== null || isWorkGivenUp(record)) return candidate;
  return { ...candidate, protectedBy: { rule: UNSAVED, reason: unsaved } };
}

/**
 * When each instance would go by itself, by which rule, and what keeps it until then, as far as the catalog says: processes
 * and lock files are looked for only where something is to be deleted. Those that are being deleted are missing.
 *
 * @param instances All that the pool has: the limits count them.
 * @param policy Null for what whoever serves the pool has published; nothing is known where nobody has.
 */
export async function readDepartures(
  catalog: Pick<Catalog, 'publishedGate' | 'clockState'>,
  instances: readonly CatalogInstance[],
  { policy, now }: { readonly policy: RetentionPolicy | null; readonly now: number },
): Promise<ReadonlyMap<string, Departure>> {
  const [published, clock] = await Promise.all([catalog.publishedGate(), catalog.clockState()]);
  const inForce = policy ?? published?.retention ?? null;
  if (inForce === null) return new Map();
  const leaseNow = now - Math.max(0, clock.suspended?.aheadMs ?? 0);
  return departuresOf({
    instances: instances
      .filter(({ state }) => state !== 'deleting')
      .map((instance) => withUnsaved(candidateOf(instance, leaseNow, NOTHING), instance)),
    policy: inForce,
    now,
    leaseNow,
    ageRulesSuspended: clock.suspended?.reason ?? null,
    reservedSlots: published?.sums.reserved.slots ?? 0,
    need: NOTHING,
    shortfall: NOTHING,
  });
}

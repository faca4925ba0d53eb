import type { Catalog, CatalogInstance } from '@spica/catalog';
import {
  candidateOf,
  type Departure,
  departuresOf,
  type PoolConfig,
  retentionPolicyOf,
  systemClock,
} from '@spica/core';

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

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
      .map((instance) => candidateOf(instance, leaseNow, NOTHING)),
    policy: retentionPolicyOf(retention),
    now,
    leaseNow,
    ageRulesSuspended: clock.suspended?.reason ?? null,
    reservedSlots: published?.sums.reserved.slots ?? 0,
    need: NOTHING,
    shortfall: NOTHING,
  });
}

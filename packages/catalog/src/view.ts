import { type Departure, isoTime, ownBytes } from '@spica/core';
import type { CatalogInstance } from './values.ts';

/**
 * An instance as JSON, for whoever looks at it: times are ISO-8601 UTC. A lease's token hash stays inside: nobody has a use for it.
 * @param now Epoch milliseconds, by which leases are judged.
 * @param goes When it would go by itself; null where that is not known.
 */
export function toInstanceView(
  { record, state, request, unsaved }: CatalogInstance,
  now: number,
  goes: Departure | null,
) {
  const { schema: _, spawnedAt, sample, lease, lastLeasedAt, pin, clonedAt, ...rest } = record;
  return {
    ...rest,
    state,
    inFlightFor: request,
    spawnedAt: toIso(spawnedAt),
    clonedAt: toIso(clonedAt),
    sample: sample && { ...sample, at: toIso(sample.at), changedAt: toIso(sample.changedAt) },
    ownBytes: ownBytes(record),
    lease: lease && {
      owner: lease.owner,
      expiresAt: toIso(lease.expiresAt),
      inForce: lease.expiresAt > now,
    },
    lastLeasedAt: toIso(lastLeasedAt),
    pin: pin && { ...pin, at: toIso(pin.at) },
    keptBy: goes?.keptBy ?? null,
    goesAt: toIso(goes?.at ?? null),
    unsaved,
  };
}

function toIso(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}

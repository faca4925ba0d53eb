import { backOffUntil, type Collected, type Departure, isoTime, ownBytes } from '@spica/core';
import type { CatalogInstance } from './values.ts';

/**
 * An instance as JSON, for whoever looks at it: times are ISO-8601 UTC. A lease's token hash stays inside: nobody has a use for it.
 * @param now Epoch milliseconds, by which leases are judged.
 * @param goes When it would go by itself; null where that is not known.
 */
export function toInstanceView(
  { record, state, request, unsaved, collectFailure, sizes }: CatalogInstance,
  now: number,
  goes: Departure | null,
) {
  const { schema: _, spawnedAt, sample, lease, lastLeasedAt, pin, clonedAt, collected, ...rest } = record;
  return {
    ...rest,
    state,
    inFlightFor: request,
    spawnedAt: toIso(spawnedAt),
    clonedAt: toIso(clonedAt),
    sample: sample && { ...sample, at: toIso(sample.at), changedAt: toIso(sample.changedAt) },
    ownBytes: ownBytes(record),
    capBytes: record.sample?.capBytes ?? null,
    sizes,
    lease: lease && {
      owner: lease.owner,
      expiresAt: toIso(lease.expiresAt),
      inForce: lease.expiresAt > now,
    },
    lastLeasedAt: toIso(lastLeasedAt),
    pin: pin && { ...pin, at: toIso(pin.at) },
    collected: collected && viewOf(collected),
    collectFailure: collectFailure && {
      cause: collectFailure.cause,
      since: toIso(collectFailure.since),
      triedAgainAt: toIso(backOffUntil(collectFailure)),
    },
    keptBy: goes?.keptBy ?? null,
    goesAt: toIso(goes?.at ?? null),
    rule: goes?.judged ?? null,
    unsaved,
  };
}

/** What `state` is for is Spica's own. */
function viewOf({ at, state: _, ...rest }: Collected) {
  return { at: toIso(at), ...rest };
}

function toIso(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}

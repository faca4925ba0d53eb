import { formatDuration, type InstanceRecord } from '@spica/core';
import type { TrashEntry } from '@spica/pool';
import type { ClockGuard } from '../clock/guard.ts';

/** A host's clock this far from the last trace of work was set, or nobody has worked for that long: who can tell. */
const MOST_AHEAD_MS = 86_400_000;
const MOST_BEHIND_MS = 5 * 60_000;

/**
 * Judges the host's clock without Redis's to compare it with: by the latest time that Spica itself has left on the disk.
 * `confirmed`: an operator vouches for it. While it is not trusted, rules of age are suspended, and leases are judged at
 * that latest time: a clock that was set forward must not end them.
 */
export function judgeByTraces(
  wall: number,
  lastTrace: number | null,
  { confirmed }: { readonly confirmed: boolean },
): ClockGuard {
  const reason = confirmed || lastTrace === null ? null : distrust(wall - lastTrace);
  const now = reason !== null && lastTrace !== null ? Math.min(wall, lastTrace) : wall;
  return { suspended: async () => reason, now: () => now };
}

function distrust(aheadMs: number): string | null {
  const found = `the host's clock is ${formatDuration(Math.round(Math.abs(aheadMs) / 1_000) * 1_000)}`;
  const than =
    'the last thing that Spica wrote here, and Redis cannot be asked (--confirm-clock vouches for it)';
  if (aheadMs > MOST_AHEAD_MS) return `${found} later than ${than}`;
  return -aheadMs > MOST_BEHIND_MS ? `${found} earlier than ${than}` : null;
}

/** The latest time that Spica has left in records and trash, epoch milliseconds; null where there is none. */
export function lastTraceOf(records: readonly InstanceRecord[], trash: readonly TrashEntry[]): number | null {
  const times = [
    ...records.flatMap(({ request, spawnedAt, clonedAt, sample, lastLeasedAt, pin }) => [
      // An adopted instance says itself when it was spawned; whatever it says, it was not Spica who wrote that.
      request === null ? null : spawnedAt,
      clonedAt,
      sample?.at ?? null,
      lastLeasedAt,
      pin?.at ?? null,
    ]),
    ...trash.map(({ trashedAt }) => trashedAt),
  ];
  return times.reduce((latest, at) => (at !== null && at > (latest ?? -1) ? at : latest), null);
}

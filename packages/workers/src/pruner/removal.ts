import { type Failure, type InstanceRecord, ownBytes } from '@spica/core';
import type { AuditEntry, TrashEntry } from '@spica/pool';
import type { Use } from './protection.ts';

/** One deletion: what goes, and why. */
export interface Removal {
  readonly id: string;
  /** By which it goes; `undo` for what came up of a request that has not ended well. */
  readonly rule: string;
  readonly reason: string;
  /** The request on whose behalf; null for none. */
  readonly request: string | null;
  /** It is the request's own, which failed: nobody uses it, whatever its lease says. */
  readonly undo: boolean;
}

export interface Removed {
  readonly removal: Removal;
  readonly trash: TrashEntry;
  readonly bytes: number | null;
}

export interface Kept {
  readonly id: string;
  readonly reason: string;
}

/** What became of a batch: out of sight, kept because something protects it, or failed. */
export interface TakenOut {
  readonly taken: readonly Removed[];
  readonly skipped: readonly Kept[];
  readonly failed: readonly Kept[];
  /** What a look for live use could not see; null where all was seen, or nobody looked. */
  readonly unseen: Use['unseen'];
  /** Some of the failed are planned again at once: nothing was noted of them. */
  readonly failsAgain: boolean;
  /** A signal came before all of them were dealt with; the audit log says which were left. */
  readonly isCutOff: boolean;
}

/** What is to go, with what is known of it. */
export interface Wanted {
  readonly removal: Removal;
  readonly record: InstanceRecord | null;
  /** Why it could not be deleted the last time. */
  readonly failure: Failure | null;
}

/** What became of one. `isNoted`: plans leave it out for a while. */
export type End =
  | { readonly removed: Removed }
  | { readonly skipped: string }
  | { readonly failed: string; readonly isNoted: boolean }
  | { readonly left: string };

export function intentOf({ removal, record }: Wanted): AuditEntry {
  return { ...entryOf(removal), bytes: record && ownBytes(record), outcome: 'intent' };
}

/** How the deletions that were announced have gone. */
export function outcomesOf(wanted: readonly Wanted[], ends: readonly End[]): AuditEntry[] {
  return ends.map((end, i) => {
    const entry = entryOf((wanted[i] as Wanted).removal);
    if ('removed' in end) return { ...entry, bytes: end.removed.bytes, outcome: 'trashed' };
    const [[what, why] = []] = Object.entries(end);
    return { ...entry, bytes: 0, outcome: `${what}: ${why}` };
  });
}

function entryOf({ id, reason, request }: Removal) {
  return { action: 'delete_instance', request, instance: id, reason };
}

/** The ends of a batch by their kinds. */
export function sortOut(wanted: readonly Wanted[], ends: readonly End[]): TakenOut {
  const ofKind = <Kind extends string>(kind: Kind) =>
    ends.flatMap((end, i): Kept[] => {
      const reason = (end as Partial<Record<Kind, string>>)[kind];
      return reason === undefined ? [] : [{ id: (wanted[i] as Wanted).removal.id, reason }];
    });
  return {
    taken: ends.flatMap((end) => ('removed' in end ? [end.removed] : [])),
    skipped: ofKind('skipped'),
    failed: ofKind('failed'),
    unseen: null,
    failsAgain: ends.some((end) => 'failed' in end && !end.isNoted),
    isCutOff: ends.some((end) => 'left' in end),
  };
}

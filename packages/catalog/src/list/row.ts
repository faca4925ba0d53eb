import {
  type Candidate,
  candidateOf,
  isWorkGivenUp,
  ownBytes,
  type PlanItem,
  protectionsOf,
  type TimedProtection,
  UNSAVED,
} from '@spica/core';
import type { CatalogInstance } from '../values.ts';

/**
 * What of an instance lists are searched, filtered and ordered by, and retention judges: a tenth of what is known of it, so
 * that 100,000 of them take tens of megabytes. It is replaced when the instance changes.
 */
export interface Row extends Omit<Candidate, 'protectedBy'> {
  readonly state: CatalogInstance['state'];
  readonly template: string;
  readonly by: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly isPinned: boolean;
  readonly isUnsaved: boolean;
  /** Of its last lease, in force or not. */
  readonly leaseOwner: string | null;
  readonly leaseUntil: number | null;
  /** As measured; null before. */
  readonly ownBytes: number | null;
  /** What it was admitted to become; null where nobody said. */
  readonly expectedBytes: number | null;
  /** What it can never exceed; null where the kernel keeps no cap of it. */
  readonly capBytes: number | null;
  /** What keeps it, and until when. */
  readonly protections: readonly TimedProtection[];
  /** Set at each plan, for the time at which it was made. */
  protectedBy: Candidate['protectedBy'];
  /** What the last plan said of it; null before there was one. Rows of which it said the same share it. */
  judged: RowVerdict | null;
}

export type RowVerdict = Pick<PlanItem, 'action' | 'rule' | 'reason'>;

const NOTHING = { bytes: 0, inodes: 0 };

/** @param keep Gives back an equal value that is in memory already, where there is one: instances of a request share much. */
export function toRow(
  instance: CatalogInstance,
  keep: <T extends string | Row['labels'] | Row['protections']>(value: T) => T = (value) => value,
): Row {
  const { record, state, unsaved } = instance;
  const keepOrNull = (text: string | null) => (text === null ? null : keep(text));
  const candidate = candidateOf(instance, 0, NOTHING);
  // Field by field: an object that is spread takes more memory for as long as it is there.
  return {
    id: candidate.id,
    experiment: keepOrNull(candidate.experiment),
    spawnedAt: candidate.spawnedAt,
    ttlMs: candidate.ttlMs,
    score: candidate.score,
    lastLeasedAt: candidate.lastLeasedAt,
    usedUntil: candidate.usedUntil,
    discarded: candidate.discarded,
    bytes: candidate.bytes,
    inodes: candidate.inodes,
    growth: NOTHING,
    state,
    template: keep(record.template),
    by: keepOrNull(record.by),
    labels: keep(record.labels),
    isPinned: record.pin !== null,
    isUnsaved: unsaved !== null,
    leaseOwner: record.lease && keep(record.lease.owner),
    leaseUntil: record.lease?.expiresAt ?? null,
    ownBytes: ownBytes(record),
    expectedBytes: record.expected?.bytes ?? null,
    capBytes: record.sample?.capBytes ?? null,
    protections: keep(withUnsaved(protectionsOf(instance), instance)),
    protectedBy: null,
    judged: null,
  };
}

/** What a plan has found that would be lost keeps an instance, until the next one looks. */
function withUnsaved(
  protections: readonly TimedProtection[],
  { unsaved, record }: CatalogInstance,
): readonly TimedProtection[] {
  if (unsaved === null || isWorkGivenUp(record)) return protections;
  return [...protections, { rule: UNSAVED, reason: unsaved, until: Number.POSITIVE_INFINITY }];
}

/** Whether two rows say the same of an instance, whatever a plan has said of them. */
export function isSameRow(a: Row, b: Row): boolean {
  return says(a) === says(b);
}

function says({ judged: _, protectedBy: __, ...facts }: Row): string {
  return JSON.stringify(facts);
}

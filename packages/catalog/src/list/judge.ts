import {
  type Departure,
  departureOf,
  planRetention,
  protectionAt,
  type RetentionInput,
  type RetentionPolicy,
} from '@spica/core';
import type { PublishedGate } from '../gate.ts';
import type { ClockState } from '../values.ts';
import type { Row, RowVerdict } from './row.ts';

/** What rows are judged by. */
export type JudgeTerms = Omit<RetentionInput, 'instances'>;

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/**
 * What instances are judged by at a time, from what whoever serves the pool has published; null where nobody has, and there is
 * no other policy.
 */
export function judgeTerms(
  published: PublishedGate | null,
  clock: Pick<ClockState, 'suspended'>,
  { policy, now }: { readonly policy: RetentionPolicy | null; readonly now: number },
): JudgeTerms | null {
  const inForce = published?.retention ?? policy;
  if (inForce === null) return null;
  return {
    policy: inForce,
    now,
    leaseNow: now - Math.max(0, clock.suspended?.aheadMs ?? 0),
    ageRulesSuspended: clock.suspended?.reason ?? null,
    reservedSlots: published?.sums.reserved.slots ?? 0,
    need: NOTHING,
    shortfall: NOTHING,
  };
}

/**
 * Has each row say what retention would do with it now, as far as the catalog says: processes and lock files are looked for
 * only where something is to be deleted. Of those on their way out nothing is said.
 *
 * @param rows All that the pool has: the limits count them.
 */
export function judgeRows(rows: Iterable<Row>, terms: JudgeTerms): void {
  const staying: Row[] = [];
  for (const row of rows) {
    row.protectedBy = protectionAt(row.protections, terms.leaseNow);
    if (row.state !== 'deleting') staying.push(row);
  }
  const { items } = planRetention({ ...terms, instances: staying });
  let last: RowVerdict = { action: 'keep', rule: '', reason: '' };
  for (const { candidate, action, rule, reason } of items) {
    // Of 100,000 instances most are kept for the same reason as the one before.
    const isSame = last.action === action && last.rule === rule && last.reason === reason;
    if (!isSame) last = { action, rule, reason };
    (candidate as Row).judged = last;
  }
}

/** When an instance would go, by what was judged; null where that is not known. */
export function departureOfRow(row: Row, terms: JudgeTerms | null): Departure | null {
  const { id, bytes, judged } = row;
  if (judged === null || terms === null) return null;
  return departureOf({ ...judged, id, bytes, candidate: row }, terms);
}

import { formatBytes } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import { formatSpan } from '../units/duration.ts';
import type { Amount, Size } from './space.ts';

/** An instance that is there, as far as it matters for what would help. */
export interface Holder {
  /** What would come back with it, and what it is still expected to grow by. */
  readonly holds: Size;
  /** What of that it is still expected to grow by. */
  readonly growth: Size;
  readonly id: string;
  readonly pinned: boolean;
  /** Epoch milliseconds; null without a lease in force. */
  readonly leaseEndsAt: number | null;
  /** Until when it is kept since it was leased, epoch milliseconds; null where it is not. */
  readonly keptUntil: number | null;
}

export interface HelpInput {
  /** What is missing. */
  readonly shortfall: Amount;
  readonly holders: Iterable<Holder>;
  /** Reserved for other requests, and not used yet. */
  readonly reserved: Amount;
  /** What lies in the trash, and can be deleted. */
  readonly trash: Size;
  /** What lies there and cannot. */
  readonly stuck: Size;
  /** Bytes that the pool's ballast takes. */
  readonly ballastBytes: number;
  /** The setting that keeps what was leased. */
  readonly keptBy: 'keep_after_lease' | 'blind_keep';
  /** Epoch milliseconds. */
  readonly now: number;
}

/** So many things, and what they hold. */
export interface Held extends Size {
  readonly count: number;
}

/** What may go by itself: so many instances, within so many milliseconds, as their leases end or they are kept no longer. */
export interface Frees {
  readonly count: number;
  readonly withinMs: number;
  readonly by: 'leases' | 'kept';
}

export interface Help {
  readonly pinned: Held;
  /** The leases that end first, as many as it takes, or all: from now until the first and the last of them end. */
  readonly leases: Held & { readonly firstMs: number; readonly withinMs: number };
  /** Those whose lease has ended, and that `keep_after_lease` or `blind_keep` keeps. */
  readonly kept: Held & { readonly firstMs: number; readonly withinMs: number };
  /** What instances are still to grow by that nothing else here counts. */
  readonly growing: Held;
  readonly reserved: Amount;
  readonly trash: Size;
  /** All of it together would make up for what is missing. */
  readonly enough: boolean;
  /** When by itself enough may go, if no lease is renewed or released; null where that would not make up for it. */
  readonly frees: Frees | null;
  readonly sentence: string;
}

/**
 * What would let a request in that is short: who holds how much, and until when. `3 pinned instances hold 9.1 GB;
 * 2 leases end within 40 min`. Tells bytes, or inodes where only these are missing.
 */
export function whatWouldHelp(input: HelpInput): Help {
  const { shortfall, reserved, trash, now } = input;
  const holders = [...input.holders];
  const pinned = sumOf(holders.filter((holder) => holder.pinned));
  const unpinned = holders.filter((holder) => !holder.pinned);
  const isKept = ({ leaseEndsAt, keptUntil }: Holder) => leaseEndsAt === null && (keptUntil ?? now) > now;
  const leased = unpinned.filter(({ leaseEndsAt }) => leaseEndsAt !== null);
  const leases = firstThatSuffice(leased, shortfall, ({ leaseEndsAt }) => (leaseEndsAt ?? 0) - now);
  const kept = firstThatSuffice(
    unpinned.filter(isKept),
    shortfall,
    ({ keptUntil }) => (keptUntil ?? 0) - now,
  );
  const others = unpinned.filter((holder) => holder.leaseEndsAt === null && !isKept(holder));
  const growing = sumOf(
    others.filter(isGrowing).map(({ growth, ...rest }) => ({ ...rest, growth, holds: growth })),
  );
  const parts = [pinned, leases, kept, growing, reserved, trash];
  const all = {
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
    inodes: parts.reduce((sum, { inodes }) => sum + inodes, 0),
    slots: pinned.count + leases.count + kept.count + reserved.slots,
  };
  const enough = covers(all, shortfall);
  const frees = findFrees(unpinned, shortfall, now);
  const figures = { pinned, leases, kept, growing, reserved, trash, enough, frees };
  return { ...figures, sentence: describeHelp(figures, input, holders.filter(isGrowing)) };
}

function isGrowing({ growth }: Holder): boolean {
  return growth.bytes > 0 || growth.inodes > 0;
}

function sumOf(holders: readonly Holder[]): Held {
  return {
    count: holders.length,
    bytes: holders.reduce((sum, { holds }) => sum + holds.bytes, 0),
    inodes: holders.reduce((sum, { holds }) => sum + holds.inodes, 0),
  };
}

/** Those that end first, as many as it takes, or all; `inMs`: in how long one ends. */
function firstThatSuffice(
  holders: readonly Holder[],
  shortfall: Amount,
  inMs: (holder: Holder) => number,
): Help['leases'] {
  const sorted = holders.toSorted((a, b) => inMs(a) - inMs(b));
  let bytes = 0;
  let inodes = 0;
  let count = 0;
  let withinMs = 0;
  const [first] = sorted;
  const firstMs = first ? Math.max(0, inMs(first)) : 0;
  for (const holder of sorted) {
    if (covers({ bytes, inodes, slots: count }, shortfall)) break;
    bytes += holder.holds.bytes;
    inodes += holder.holds.inodes;
    count += 1;
    withinMs = Math.max(0, inMs(holder));
  }
  return { count, bytes, inodes, firstMs, withinMs };
}

/** What a lease held is kept for a while after it, unless its owner discards it. */
function findFrees(unpinned: readonly Holder[], shortfall: Amount, now: number): Frees | null {
  const freeAt = ({ leaseEndsAt, keptUntil }: Holder) => Math.max(leaseEndsAt ?? 0, keptUntil ?? 0);
  const going = unpinned.filter((holder) => freeAt(holder) > now);
  const { count, bytes, inodes, withinMs } = firstThatSuffice(going, shortfall, (each) => freeAt(each) - now);
  if (count === 0 || !covers({ bytes, inodes, slots: count }, shortfall)) return null;
  const first = going.toSorted((a, b) => freeAt(a) - freeAt(b)).slice(0, count);
  const isByLeases = first.every((each) => each.leaseEndsAt === freeAt(each));
  return { count, withinMs, by: isByLeases ? 'leases' : 'kept' };
}

function covers(amount: Amount, shortfall: Amount): boolean {
  return (
    amount.bytes >= shortfall.bytes && amount.inodes >= shortfall.inodes && amount.slots >= shortfall.slots
  );
}

function describeHelp(
  figures: Omit<Help, 'sentence'>,
  {
    shortfall,
    ballastBytes,
    stuck,
    keptBy,
  }: Pick<HelpInput, 'shortfall' | 'ballastBytes' | 'stuck' | 'keptBy'>,
  growers: readonly Holder[],
): string {
  const { pinned, leases, kept, reserved, trash, enough } = figures;
  const inInodes = shortfall.bytes === 0 && shortfall.inodes > 0;
  const amount = (size: Size) => (inInodes ? countOf(size.inodes, 'inode') : formatBytes(size.bytes));
  const parts: string[] = [];
  if (pinned.count > 0)
    parts.push(
      `${countOf(pinned.count, 'pinned instance holds', 'pinned instances hold')} ${amount(pinned)}`,
    );
  if (leases.count > 0) {
    const ends = countOf(leases.count, 'lease ends', 'leases end');
    parts.push(`${ends} within ${formatSpan(leases.withinMs)}`);
  }
  if (kept.count > 0) {
    const are = countOf(kept.count, 'instance is', 'instances are');
    const until = `for ${formatSpan(kept.withinMs)} more (retention.${keptBy})`;
    parts.push(`${are} kept ${until}, unless discarded: \`spica release ID --discard\``);
  }
  if (reserved.slots > 0) parts.push(`requests on their way hold ${amount(reserved)} for ${reserved.slots}`);
  const inSpace = shortfall.bytes > 0 || shortfall.inodes > 0;
  if (inSpace && growers.length > 0) parts.push(sayGrowth(growers, amount));
  if (inSpace && (inInodes ? trash.inodes : trash.bytes) > 0) parts.push(`the trash holds ${amount(trash)}`);
  if (shortfall.bytes > 0 && stuck.bytes > 0) {
    parts.push(
      `${formatBytes(stuck.bytes)} of the trash cannot be deleted: \`spica doctor\` says what helps`,
    );
  }
  if (shortfall.bytes > 0 && shortfall.bytes <= ballastBytes) {
    parts.push(`the ballast holds ${formatBytes(ballastBytes)} (disk.ballast_mb)`);
  }
  if (!enough) parts.push(sayRest(parts.length > 0, inSpace));
  return parts.join('; ');
}

/** So many of those that are still to grow are named. */
const NAMED = 2;

/** Whose growth the sum counts, those first that are to grow most. */
function sayGrowth(growers: readonly Holder[], amount: (size: Size) => string): string {
  const sorted = growers.toSorted((a, b) => b.growth.bytes - a.growth.bytes || (a.id < b.id ? -1 : 1));
  const named = sorted.slice(0, NAMED).map(({ id, growth }) => `${id} (${amount(growth)})`);
  const others = sorted.length - named.length;
  const all = [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ');
  return `counted as growth still to come: ${all}`;
}

/** Whoever holds what none of these would give back. Slots are held by the pool's instances, and by nobody else. */
function sayRest(afterOthers: boolean, inSpace: boolean): string {
  if (inSpace)
    return afterOthers
      ? 'the rest is held by others'
      : 'nothing that Spica protects is in the way: others hold it';
  const advice = '`spica prune --dry-run` shows why they stay';
  return afterOthers
    ? `further instances are in the way: ${advice}`
    : `instances are in the way that are neither pinned nor leased: ${advice}`;
}

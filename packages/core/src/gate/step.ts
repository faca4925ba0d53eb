import { describeBarrier, findBarrier, type LineState } from '../admission/barrier.ts';
import { type BreakerTerms, heldByBreaker } from '../admission/breaker.ts';
import { decideAdmission } from '../admission/decide.ts';
import type { Decision, Room } from '../admission/decision.ts';
import type { NeedInput } from '../admission/need.ts';
import { checkRate } from '../admission/rate.ts';
import type { Amount, Size, Space } from '../admission/space.ts';
import { refuseAsFull } from '../admission/waiting.ts';
import { formatBytes } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import { formatDuration } from '../units/duration.ts';
import type { LedgerSums } from './ledger.ts';
import { type Limits, startsOfOthers } from './limits.ts';

/** A request as the gate knows it. Times are epoch milliseconds. */
export interface GateRequest {
  readonly id: string;
  readonly template: string;
  /** Instances asked for. */
  readonly count: number;
  /** When it was first held; null as long as it never was. */
  readonly heldAt: number | null;
  /** For how long it may be held before it is rejected, milliseconds. */
  readonly maxWaitMs: number;
}

/** The settings that a step follows. */
export interface GateTerms {
  readonly barrierAfterMs: number;
  readonly maxWaiting: number | null;
  readonly maxSpawnsPerHour: number | null;
  readonly breaker: BreakerTerms;
  readonly maxInstances: number;
}

/** What was gathered for one step. */
export interface GateFacts {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly terms: GateTerms;
  readonly cancelled: boolean;
  readonly line: LineState;
  readonly limits: Limits;
  /** Why no figure of the disk is to be trusted now; null where they are. */
  readonly doubt: string | null;
  /** The disk as it was just read, and the ledger's `landed` from before that. */
  readonly space: Space;
  readonly landed: Size;
  /** What admitted work must leave free. */
  readonly floor: Size;
  /** What the request's instances will need; null where the template's snapshot is not up to date. */
  readonly need: NeedInput | null;
  /** What that snapshot will take, once somebody measured it; null before, and where it is up to date. */
  readonly preparation: Size | null;
  /**
   * What can be done about a shortage; null before anybody asked. `reclaims`: retention would make the room. `help`: who
   * holds it, for people.
   */
  readonly relief: { readonly reclaims: boolean; readonly help: string } | null;
}

/** What is missing for a request, of all that it needs. */
export interface Shortage {
  readonly need: Amount;
  readonly shortfall: Amount;
}

/** The request waits, until `until` at most (epoch milliseconds). */
export interface Hold {
  readonly do: 'hold';
  readonly reason: string;
  readonly until: number;
  /** Room is what it waits for; null where it waits for something else. */
  readonly shortage: Shortage | null;
  /** What it needs in all; null where that is not known yet. */
  readonly need: Amount | null;
  /** What was free for it then; null where room is not what it waits for. */
  readonly headroom: Room | null;
  /** The request that it waits behind; null for none. */
  readonly behind: string | null;
}

/** What becomes of a request now, each with its reason. */
export type Step =
  | { readonly do: 'prepare'; readonly reason: string }
  | { readonly do: 'reclaim'; readonly shortage: Shortage; readonly reason: string }
  | { readonly do: 'admit'; readonly decision: Decision; readonly reason: string }
  | Hold
  | { readonly do: 'reject'; readonly code: string; readonly reason: string };

/**
 * Decides one request, from what was gathered and the ledger's sums at the same moment. Pure: whoever calls it carries
 * the step out, and makes the reservation before anything else may decide. The order is: cancellation, what can never
 * be, order and barrier, doubt about the disk, rate, breaker, the template's snapshot, the sum.
 *
 * A step that holds a request for want of room is asked for again once `relief` is known.
 */
export function step(request: GateRequest, facts: GateFacts, ledger: LedgerSums): Step {
  if (facts.cancelled) return reject('REQUEST_CANCELLED', `request ${request.id} was cancelled`);
  const decision = facts.need && decide(facts.need, facts, ledger);
  if (decision?.verdict === 'impossible') return reject('NEVER_FITS', decision.sentence);
  const rate = rateOf(request, facts);
  if (rate.verdict === 'never') return reject('RATE_EXCEEDED', rate.reason);
  const barrier = findBarrier({
    head: facts.line.head,
    request: request.id,
    now: facts.now,
    barrierAfterMs: facts.terms.barrierAfterMs,
  });
  if (barrier !== null) {
    const reason = describeBarrier(barrier, facts.now);
    return hold(request, facts, { reason, decision, behind: barrier.request });
  }
  const blocked =
    facts.doubt ??
    (rate.verdict === 'later' ? rate.reason : null) ??
    heldByBreaker(facts.limits.breaker, {
      request: request.id,
      now: facts.now,
      terms: facts.terms.breaker,
    });
  if (blocked !== null) return hold(request, facts, { reason: blocked, decision });
  if (decision === null) return prepare(request, facts, ledger);
  if (decision.verdict === 'admit') return { do: 'admit', decision, reason: decision.sentence };
  return reclaimOrHold(request, facts, { reason: decision.sentence, decision, shortage: decision });
}

/** The sum for a need as things stand, whatever else may hold its request. */
export function decide(
  need: NeedInput,
  { space, landed, floor, terms }: Pick<GateFacts, 'space' | 'landed' | 'floor' | 'terms'>,
  ledger: LedgerSums,
): Decision {
  const { reserved, growth, instances } = ledger;
  const now = minusLanded(space, landed, ledger);
  return decideAdmission({
    ...need,
    space: now,
    reserved,
    growth,
    floor,
    instances,
    maxInstances: terms.maxInstances,
  });
}

/** The disk as it is now: what landed since it was read is there, and not in the reading. */
function minusLanded(space: Space, before: Size, { landed }: LedgerSums): Space {
  const bytes = landed.bytes - before.bytes;
  const inodes = landed.inodes - before.inodes;
  return {
    ...space,
    availableBytes: space.availableBytes - bytes,
    freeInodes: space.freeInodes === null ? null : space.freeInodes - inodes,
  };
}

function rateOf({ id, count }: GateRequest, { limits, terms, now }: GateFacts) {
  return checkRate({ starts: startsOfOthers(limits, id), count, most: terms.maxSpawnsPerHour, now });
}

/** The snapshot needs its room too. Its size is known from when its preparation was first tried. */
function prepare(request: GateRequest, facts: GateFacts, ledger: LedgerSums): Step {
  const { template } = request;
  const size = facts.preparation;
  const short = size && preparationShort(size, facts, ledger);
  if (!size || !short) return { do: 'prepare', reason: `preparing a snapshot of template ${template}` };
  const reason = `template ${template}: ${short.reason}`;
  if (short.never) return reject('TEMPLATE_TOO_LARGE', reason);
  const shortage = { need: { ...size, slots: 0 }, shortfall: short.shortfall };
  return reclaimOrHold(request, facts, { reason, decision: null, shortage });
}

/** What is missing for a template's snapshot. `never`: the disk could not hold it if it were empty. */
export interface PreparationShort {
  readonly never: boolean;
  readonly shortfall: Amount;
  readonly reason: string;
}

/** Whether there is room for a template's snapshot of so much; null where there is. */
export function preparationShort(
  size: Size,
  facts: Pick<GateFacts, 'space' | 'landed' | 'floor'>,
  ledger: LedgerSums,
): PreparationShort | null {
  const { totalBytes, totalInodes } = facts.space;
  const { availableBytes, freeInodes } = minusLanded(facts.space, facts.landed, ledger);
  const { reserved, growth } = ledger;
  const { floor } = facts;
  const what = `its snapshot takes ${formatBytes(size.bytes)} and ${countOf(size.inodes, 'inode')}`;
  if (
    size.bytes > totalBytes - floor.bytes ||
    (totalInodes !== null && size.inodes > totalInodes - floor.inodes)
  ) {
    const disk = `the disk has ${formatBytes(totalBytes)}, of which ${formatBytes(floor.bytes)} are the floor`;
    return { never: true, shortfall: { ...size, slots: 0 }, reason: `${what}; ${disk}: can never fit` };
  }
  const bytes = size.bytes - (availableBytes - reserved.bytes - growth.bytes - floor.bytes);
  const inodes =
    freeInodes === null ? 0 : size.inodes - (freeInodes - reserved.inodes - growth.inodes - floor.inodes);
  if (bytes <= 0 && inodes <= 0) return null;
  const missing = bytes > 0 ? formatBytes(bytes) : countOf(inodes, 'inode');
  return {
    never: false,
    shortfall: { bytes: Math.max(0, bytes), inodes: Math.max(0, inodes), slots: 0 },
    reason:
      `no room: ${what}; ${formatBytes(availableBytes)} available − ${formatBytes(reserved.bytes)} ` +
      `reserved − ${formatBytes(growth.bytes)} growth − ${formatBytes(floor.bytes)} floor: ${missing} short`,
  };
}

function reclaimOrHold(
  request: GateRequest,
  facts: GateFacts,
  short: { reason: string; decision: Decision | null; shortage: Shortage },
): Step {
  const { need, shortfall } = short.shortage;
  const shortage = { need, shortfall };
  if (facts.relief?.reclaims) return { do: 'reclaim', shortage, reason: 'making room by retention' };
  const help = facts.relief?.help ?? '';
  return hold(request, facts, {
    ...short,
    shortage,
    reason: help ? `${short.reason}. ${help}` : short.reason,
  });
}

function hold(
  request: GateRequest,
  { now, line, terms }: GateFacts,
  why: { reason: string; shortage?: Shortage; decision?: Decision | null; behind?: string },
): Step {
  const { reason, shortage = null, decision = null, behind = null } = why;
  const until = (request.heldAt ?? now) + request.maxWaitMs;
  if (until <= now) {
    const waited = `held for ${formatDuration(request.maxWaitMs)} (max_wait) in vain`;
    return reject('MAX_WAIT_EXCEEDED', `${waited}: ${reason}`);
  }
  const full = request.heldAt === null ? refuseAsFull(line.length, terms.maxWaiting) : null;
  if (full !== null) return reject('QUEUE_FULL', full);
  const need = decision?.need ?? shortage?.need ?? null;
  const headroom = shortage && decision ? decision.headroom : null;
  return { do: 'hold', reason, until, shortage, need, headroom, behind };
}

function reject(code: string, reason: string): Step {
  return { do: 'reject', code, reason };
}

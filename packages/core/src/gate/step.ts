import { describeBarrier, findBarrier, type LineState } from '../admission/barrier.ts';
import { type BreakerTerms, heldByBreaker } from '../admission/breaker.ts';
import type { Decision, Room } from '../admission/decision.ts';
import type { NeedInput } from '../admission/need.ts';
import { checkRate } from '../admission/rate.ts';
import type { Amount, Size } from '../admission/space.ts';
import { refuseAsFull } from '../admission/waiting.ts';
import { formatDuration } from '../units/duration.ts';
import { type DiskFacts, decide } from './disk-now.ts';
import type { LedgerSums } from './ledger.ts';
import { type Limits, startsOfOthers } from './limits.ts';
import { preparationShort } from './preparation.ts';

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

/** What is wrong with the host: nothing can be decided by what it says, and no request is to blame for it. */
export interface HostTrouble {
  /** Stable: what a request fails with that has waited for it to end for its `max_wait`. */
  readonly code: string;
  readonly reason: string;
}

/** What was gathered for one step. */
export interface GateFacts extends DiskFacts {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly terms: GateTerms;
  readonly cancelled: boolean;
  readonly line: LineState;
  readonly limits: Limits;
  /** What is wrong with the disk: it takes no writes, say, or its figures are not to be believed; null for nothing. */
  readonly trouble: HostTrouble | null;
  /** Why the request must wait, whatever the figures say: the room that it was given has run out; null for no reason. */
  readonly doubt: string | null;
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
  | {
      readonly do: 'reject';
      readonly code: string;
      readonly reason: string;
      /** The sum that it was rejected by; missing where none was made. */
      readonly decision?: Decision;
    }
  /** The host could not do the work while the request waited: no refusal. */
  | { readonly do: 'fail'; readonly code: string; readonly reason: string };

/**
 * Decides one request, from what was gathered and the ledger's sums at the same moment. Pure: whoever calls it carries
 * the step out, and makes the reservation before anything else may decide. The order is: cancellation, what is wrong
 * with the disk, what can never be, order and barrier, doubt, rate, breaker, the template's snapshot, the sum.
 *
 * A step that holds a request for want of room is asked for again once `relief` is known.
 */
export function step(request: GateRequest, facts: GateFacts, ledger: LedgerSums): Step {
  if (facts.cancelled) return reject('REQUEST_CANCELLED', `request ${request.id} was cancelled`);
  if (facts.trouble !== null) return holdForHost(request, facts, facts.trouble);
  const decision = facts.need && decide(facts.need, facts, ledger);
  if (decision?.verdict === 'impossible') return reject('NEVER_FITS', decision.sentence, decision);
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
  const blocked = facts.doubt ?? (rate.verdict === 'later' ? rate.reason : null);
  if (blocked !== null) return hold(request, facts, { reason: blocked, decision });
  const broken = heldByBreaker(facts.limits.breaker, {
    request: request.id,
    now: facts.now,
    terms: facts.terms.breaker,
  });
  if (broken !== null) return holdForHost(request, facts, { code: 'BREAKER_OPEN', reason: broken }, decision);
  if (decision === null) return prepare(request, facts, ledger);
  if (decision.verdict === 'admit') return { do: 'admit', decision, reason: decision.sentence };
  if (isShortBelow(decision)) return holdBelow(request, facts, { reason: decision.sentence, decision });
  return reclaimOrHold(request, facts, { reason: decision.sentence, decision, shortage: decision });
}

/** Whether bytes are missing that no deletion in the pool brings back: those of a disk below its own. */
export function isShortBelow({ shortfall, sum }: Pick<Decision, 'shortfall' | 'sum'>): boolean {
  const { bound } = sum.bytes;
  return shortfall.bytes > 0 && bound !== null && !bound.isFreedByDeletion;
}

/** What is missing is missing on a disk below the pool's: what is deleted in the pool may not come back there. */
function holdBelow(
  request: GateRequest,
  facts: GateFacts,
  { reason, decision }: { reason: string; decision: Decision | null },
): Step {
  const help = 'Make room there: what is deleted in the pool need not come back to the disk below it';
  return hold(request, facts, { reason: `${reason}. ${help}`, decision });
}

/** The request waits for the host to be able to do its work again; in the end it fails, but is not refused. */
function holdForHost(
  request: GateRequest,
  facts: GateFacts,
  { code, reason }: HostTrouble,
  decision: Decision | null = null,
): Step {
  const found = hold(request, facts, { reason, decision });
  const isOver = found.do === 'reject' && found.code === 'MAX_WAIT_EXCEEDED';
  return isOver ? { do: 'fail', code, reason: found.reason } : found;
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
  if (!short.comesBack) return holdBelow(request, facts, { reason, decision: null });
  return reclaimOrHold(request, facts, { reason, decision: null, shortage });
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
    return reject('MAX_WAIT_EXCEEDED', `${waited}: ${reason}`, decision);
  }
  const full = request.heldAt === null ? refuseAsFull(line.length, terms.maxWaiting) : null;
  if (full !== null) return reject('QUEUE_FULL', full);
  const need = decision?.need ?? shortage?.need ?? null;
  const headroom = shortage && decision ? decision.headroom : null;
  return { do: 'hold', reason, until, shortage, need, headroom, behind };
}

function reject(code: string, reason: string, decision: Decision | null = null): Step {
  return { do: 'reject', code, reason, ...(decision && { decision }) };
}

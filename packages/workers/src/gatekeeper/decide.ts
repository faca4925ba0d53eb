import {
  type Amount,
  CheckError,
  certainShortfall,
  diskAtBest,
  type GateFacts,
  type GateRequest,
  type Hold,
  hasLanded,
  type LedgerSums,
  type Step,
  step,
} from '@spica/core';
import { countedTwiceOn } from '../gate/filesystem.ts';
import type { GateState } from '../gate/state.ts';
import { admit, hold, type Planned, prepare, reclaim } from './carry-out.ts';
import { fail, reject } from './ends.ts';
import { type Gathered, gatherFacts, readDisk, requestOf } from './facts.ts';
import type { GateJob } from './gate-job.ts';
import { asFact, findRelief, type Relief } from './relief.ts';

const NOTHING: Amount = { bytes: 0, inodes: 0, slots: 0 };

/** What the way here has shown. */
export interface Before {
  /** Why the request must wait now, whatever the figures say: the room that it was given has run out. */
  readonly doubt?: string;
  /** A prune for this request has just ended, and another would bring no more. */
  readonly reclaimedInVain?: boolean;
}

/** So often facts are gathered anew because something landed while the disk was read. */
const MOST_READINGS = 3;

/**
 * Decides a request and carries the step out: gathers facts, takes a step, and for a shortage finds out what can be done
 * about it and takes the step again. Returns only when the request's next step can be taken at once; else the request is
 * parked, held, or at its end, and it throws what BullMQ wants to be thrown then.
 */
export async function decide(gateJob: GateJob, before: Before): Promise<void> {
  const { gate } = gateJob.ctx;
  // Where Redis has stepped back, or was emptied, it may have been admitted before: it must not wait behind itself.
  gate.requests.delete(gateJob.id);
  gate.ledger.giveBack(gateJob.id);
  for (;;) {
    const heard = { wakes: gate.line.wakes, wasCancelled: gate.cancelled.has(gateJob.id) };
    const { gathered, found, relief } = await judge(gateJob, before);
    gate.reclaims.delete(gateJob.id); // what was made for it is promised to it now, or to nobody
    switch (found.do) {
      case 'admit':
        return admit(gateJob, found, gathered);
      case 'prepare':
        return prepare(gateJob, found);
      case 'reclaim':
        return reclaim(gateJob, found, heard.wakes);
      case 'reject':
        return reject(gateJob, found);
      case 'fail':
        return fail(gateJob, new CheckError(found.code, found.reason));
      case 'hold':
        // One whose job was removed by hand must stand in nobody's way.
        if (found.behind !== null && (await gate.line.dropIfGone(found.behind))) continue;
        return hold(gateJob, found, { ...heard, ...planned(found, relief) });
    }
  }
}

interface Judged {
  readonly gathered: Gathered;
  /** Of a reclaim's shortage what is certain. */
  readonly found: Step;
  readonly relief: Relief | null;
}

/** Nothing may be awaited between the step that is returned and its carrying out: the sums would be another's. */
async function judge(gateJob: GateJob, { doubt, reclaimedInVain }: Before): Promise<Judged> {
  const { ctx, id } = gateJob;
  const { ledger } = ctx.gate;
  const request = requestOf(gateJob);
  for (let reading = 1; ; reading += 1) {
    const gathered = await gatherFacts(gateJob, doubt ?? null);
    const facts: GateFacts = { ...gathered.facts, relief: null };
    const sums = ledger.sums(ctx.clockGuard.now());
    const found = step(request, facts, sums);
    if (found.do !== 'hold' || found.shortage === null) return { gathered, found, relief: null };
    // What was on the disk before it was read, and committed or released after, is counted twice: not so a moment later.
    if (reading < MOST_READINGS && hasLanded(facts, sums.landed)) continue;
    const certain = { ...found.shortage, shortfall: certainOf(ctx.gate, request, facts, sums) };
    const mayReclaim = !reclaimedInVain && isAnything(certain.shortfall);
    const short = { shortage: mayReclaim ? certain : found.shortage, reserved: sums.reserved };
    const relief = await findRelief(ctx, { id, from: gateJob.state.request.from }, short, { mayReclaim });
    const disk = await readDisk(ctx, ledger.sums(ctx.clockGuard.now()), ledger.ownBytes);
    const { limits, line } = ctx.gate;
    const again: GateFacts = { ...facts, ...disk, relief: asFact(relief), limits, line: line.state() };
    const now = ledger.sums(ctx.clockGuard.now());
    const next = step(request, again, now);
    if (next.do !== 'reclaim') return { gathered, found: next, relief };
    const shortage = { ...next.shortage, shortfall: certainOf(ctx.gate, request, again, now) };
    return { gathered, found: { ...next, shortage }, relief };
  }
}

/** What room has to be made for a request: nothing goes for what may count twice at this moment. */
function certainOf(
  { filesystem }: Pick<GateState, 'filesystem'>,
  request: GateRequest,
  facts: GateFacts,
  sums: LedgerSums,
): Amount {
  const best = step(request, { ...diskAtBest(facts, sums), relief: null }, sums);
  const shortfall = best.do === 'hold' ? best.shortage?.shortfall : undefined;
  return certainShortfall(shortfall ?? NOTHING, countedTwiceOn(filesystem));
}

function isAnything({ bytes, inodes, slots }: Amount): boolean {
  return bytes > 0 || inodes > 0 || slots > 0;
}

/** What others in the line may hope for, and when this one may hope again. */
function planned({ headroom }: Hold, relief: Relief | null): Planned {
  const help = relief?.help ?? null;
  if (headroom === null || relief === null) return { room: null, nextLeaseEndMs: null, help };
  const room: Amount = {
    bytes: headroom.bytes + relief.most.bytes,
    inodes: headroom.inodes === null ? Number.POSITIVE_INFINITY : headroom.inodes + relief.most.inodes,
    slots: headroom.slots + relief.most.slots,
  };
  const ends = [relief.help?.leases, relief.help?.kept].flatMap((held) =>
    held?.count ? [held.firstMs] : [],
  );
  return { room, nextLeaseEndMs: ends.length > 0 ? Math.min(...ends) : null, help };
}

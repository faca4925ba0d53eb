import { RefusedError, SpicaError } from '@spica/core';
import {
  type GatePayload,
  gatePayloadSchema,
  parsePayload,
  type RequestResult,
  toJobError,
} from '@spica/queues';
import { DelayedError, type Job, WaitingChildrenError } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { tryAgain } from '../runtime/hand-back.ts';
import { isRefusedByRedis, isUnaudited } from '../runtime/refused.ts';
import { createLookout, type Lookout } from './look.ts';
import { preflight } from './preflight.ts';
import { release } from './release.ts';
import { prepare, reclaim, undo } from './steps.ts';
import { report, type StepResult, save, type Turn } from './turn.ts';

/**
 * The gate's processor: a request's way through `preflight → (prepare | reclaim)* → release → collect`, or `undo`.
 * Each step saves what it came to before the job moves, and may run twice. It never does disk work itself. While Redis or
 * the audit log takes no writes (a full disk), no request ends: it comes again a moment later.
 */
export function createGatekeeper(ctx: ServedContext) {
  const lookout = createLookout(ctx);
  return async (job: Job, token?: string): Promise<RequestResult> => {
    try {
      const state = parsePayload(gatePayloadSchema, job.data, `gate job ${job.id}`);
      const id = job.id ?? '';
      const logger = ctx.logger.child({ request: id });
      return await advance(
        { ctx, job, token: token ?? '', id, logger, state, reclaimedInVain: false, isNew: false },
        lookout,
      );
    } catch (error) {
      if (error instanceof DelayedError || error instanceof WaitingChildrenError) throw error;
      if (isRefusedByRedis(error) || isUnaudited(error)) {
        ctx.logger.warn(
          { err: error, request: job.id },
          'the request waits: what it comes to cannot be kept',
        );
        return tryAgain(job, token);
      }
      throw toJobError(error);
    }
  };
}

async function advance(turn: Turn, lookout: Lookout): Promise<RequestResult> {
  for (;;) {
    let outcome: StepResult;
    try {
      await refuseIfCancelled(turn);
      outcome = await takeStep(turn, lookout);
    } catch (error) {
      if (error instanceof RefusedError) return reject(turn, error);
      if (turn.state.step === 'undo' || !isOfRequest(error)) throw error;
      await save(turn, { step: 'undo', failure: toJobError(error).message });
      continue;
    }
    if ('result' in outcome) return finish(turn, outcome.result);
    if (outcome.next !== turn.state.step) await save(turn, { step: outcome.next });
  }
}

/**
 * Whether an error is the request's end: one of our own, of a file, or a mistake in the program. Whatever Redis, BullMQ or
 * the audit log say is about this run alone: perhaps another one has the job by now.
 */
function isOfRequest(error: unknown): boolean {
  if (error instanceof SpicaError) return !isUnaudited(error);
  const isMistake = [TypeError, RangeError, ReferenceError, SyntaxError].some(
    (kind) => error instanceof kind,
  );
  return isMistake || (error instanceof Error && 'syscall' in error && 'path' in error);
}

function takeStep(turn: Turn, lookout: Lookout): Promise<StepResult> {
  const steps: Record<GatePayload['step'], () => Promise<StepResult>> = {
    preflight: () => preflight(turn, lookout),
    prepare: () => prepare(turn),
    reclaim: () => reclaim(turn, null),
    release: () => release(turn),
    undo: () => undo(turn),
  };
  return steps[turn.state.step]();
}

/** Not wanted any more. One that is being spawned is undone: its spawn jobs see to that. */
async function refuseIfCancelled({ ctx, id, state }: Turn): Promise<void> {
  if (state.step === 'release' || state.step === 'undo' || !(await ctx.catalog.isCancelled(id))) return;
  throw new RefusedError('REQUEST_CANCELLED', `request ${id} was cancelled`);
}

/** The gate says no: recorded, visible, and nothing of the request is left. */
async function reject(turn: Turn, error: RefusedError): Promise<never> {
  const { ctx, id } = turn;
  turn.logger.info({ code: error.code, reason: error.message }, 'request rejected');
  await ctx.audit.append({
    action: 'reject_request',
    request: id,
    reason: error.message,
    outcome: error.code,
  });
  await ctx.catalog.release(id);
  await report(turn, { phase: 'rejected', reason: error.message, code: error.code });
  // Whoever waited behind it may pass now.
  await ctx.waker.wake();
  throw error;
}

async function finish(turn: Turn, result: RequestResult): Promise<RequestResult> {
  const count = result.instances.length;
  await report(turn, { phase: 'done', reason: `${count} spawned` });
  turn.logger.info({ instances: result.instances.map(({ id }) => id) }, 'request done');
  return result;
}

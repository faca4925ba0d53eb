import { CheckError, RefusedError, SpicaError } from '@spica/core';
import { gatePayloadSchema, parsePayload, type RequestResult, readFailure, toJobError } from '@spica/queues';
import { DelayedError, Job, UnrecoverableError, WaitingChildrenError } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { tryAgain } from '../runtime/hand-back.ts';
import { isRefusedByRedis, isUnaudited } from '../runtime/refused.ts';
import { afterPreparation, afterReclaim } from './children.ts';
import { type Before, decide } from './decide.ts';
import { fail, reject } from './ends.ts';
import type { GateJob } from './gate-job.ts';
import { afterUndo, collectSpawns, startUndo } from './spawns.ts';

/**
 * The gate's processor: takes a request up where it stands, and on as far as it goes without waiting. It never does disk
 * work itself. Each step is saved before the job moves, and may run twice. While Redis or the audit log takes no writes (a
 * full disk), no request ends: it comes again a moment later.
 */
export function createGatekeeper(ctx: ServedContext) {
  const running = new Map<string, Promise<unknown>>();
  return async (job: Job, token = ''): Promise<RequestResult> => {
    const id = job.id ?? '';
    const before = running.get(id);
    const mine = before === undefined ? run(ctx, job, token) : runAfter(ctx, before, job, token);
    running.set(id, mine);
    try {
      return await mine;
    } finally {
      if (running.get(id) === mine) running.delete(id);
    }
  };
}

/** The job's lock was lost while it was in work, as when the process stood still: it is where that run has left it. */
async function runAfter(
  ctx: ServedContext,
  before: Promise<unknown>,
  job: Job,
  token: string,
): Promise<RequestResult> {
  await Promise.allSettled([before]);
  const fresh = await Job.fromId(ctx.queues.gate, job.id ?? '');
  if (fresh) job.data = fresh.data;
  return run(ctx, job, token);
}

async function run(ctx: ServedContext, job: Job, token: string): Promise<RequestResult> {
  const id = job.id ?? '';
  try {
    const state = parsePayload(gatePayloadSchema, job.data, `gate job ${id}`);
    const logger = ctx.logger.child({ request: id });
    return await advance({ ctx, job, token, id, logger, state });
  } catch (error) {
    if (isMove(error)) throw error;
    if (isRefusedByRedis(error) || isUnaudited(error)) {
      ctx.logger.warn({ err: error, request: id }, 'the request waits: where it stands cannot be kept');
      return tryAgain(job, token);
    }
    await ctx.gate.line.leave(id); // the job fails: it must stand in nobody's way
    throw toJobError(error);
  }
}

/** What BullMQ wants to be thrown when a job has moved, or has failed as it should. */
function isMove(error: unknown): boolean {
  return [DelayedError, WaitingChildrenError, UnrecoverableError].some((kind) => error instanceof kind);
}

async function advance(gateJob: GateJob): Promise<RequestResult> {
  let before: Before = {};
  for (;;) {
    try {
      switch (gateJob.state.step) {
        case 'decide':
          await decide(gateJob, before);
          break;
        case 'prepare':
          before = await afterPreparation(gateJob);
          break;
        case 'reclaim':
          before = await afterReclaim(gateJob);
          break;
        case 'spawn': {
          const result = await collectSpawns(gateJob);
          if (result) return result;
          break;
        }
        case 'undo':
          before = await afterUndo(gateJob);
          break;
      }
    } catch (error) {
      if (isMove(error) || !isOfRequest(error)) throw error;
      await endWith(gateJob, error);
    }
  }
}

/** What an error of the request's own comes to: a refusal rejects it, anything else fails it once it was undone. */
async function endWith(gateJob: GateJob, error: unknown): Promise<void> {
  if (error instanceof RefusedError) return reject(gateJob, { code: error.code, reason: error.message });
  const { code, message } = readFailure(toJobError(error).message);
  if (gateJob.state.step === 'spawn') return startUndo(gateJob, { code, message }, 1);
  return fail(gateJob, new CheckError(code, message, {}, error));
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

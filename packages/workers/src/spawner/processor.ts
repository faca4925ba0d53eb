import { CheckError, type SpawnEnd, SpicaError } from '@spica/core';
import { createSerialiser } from '@spica/pool';
import {
  type PreparePayload,
  type PrepareResult,
  parsePayload,
  preparePayloadSchema,
  type SpawnPayload,
  type SpawnResult,
  spawnPayloadSchema,
  toJobError,
} from '@spica/queues';
import { DelayedError, type Job } from 'bullmq';
import type { ServedContext } from '../context.ts';
import { takenByPool } from '../gate/bounds.ts';
import { handBack, SHUTTING_DOWN } from '../runtime/hand-back.ts';
import { isRefusedByRedis } from '../runtime/refused.ts';
import { countEnd } from './breaker.ts';
import { prepareTemplate } from './prepare.ts';
import { GIVEN_UP } from './set-up.ts';
import { spawnInstance } from './spawn.ts';

/** The spawn queue's processor: `prepare` and `spawn` jobs. */
export function createSpawner(ctx: ServedContext) {
  const runs = createSerialiser();
  return async (job: Job, token?: string, signal?: AbortSignal): Promise<SpawnResult | PrepareResult> => {
    const where = `${job.name} job ${job.id}`;
    try {
      return await handBack<SpawnResult | PrepareResult>(job, token, signal, () => {
        if (job.name === 'prepare') {
          return prepare(ctx, parsePayload(preparePayloadSchema, job.data, where), signal);
        }
        const payload = parsePayload(spawnPayloadSchema, job.data, where);
        // One whose lock was lost while it was in work is taken up again here, beside its first run.
        return runs.run(`${payload.request}/${payload.index}`, () => spawn(ctx, payload, signal));
      });
    } catch (error) {
      if (error instanceof DelayedError) throw error;
      ctx.logger.warn({ err: error, job: job.id }, `${job.name} failed`);
      throw toJobError(error);
    }
  };
}

/** Prepares a template. One that is stopped because the disk is full has no room for now, and may be asked for again. */
async function prepare(
  ctx: ServedContext,
  job: PreparePayload,
  signal?: AbortSignal,
): Promise<PrepareResult> {
  try {
    return await prepareTemplate(ctx, job, signal);
  } catch (cause) {
    if (!signal?.aborted) throw await explainByDisk(ctx, cause);
    if (signal.reason === SHUTTING_DOWN) throw cause;
    const message = `template ${job.template}: its preparation was given up: ${signal.reason}`;
    throw new CheckError('NO_SPACE', message, {}, cause);
  }
}

/** Spawns, and has the breaker count how it ended. */
async function spawn(ctx: ServedContext, job: SpawnPayload, signal?: AbortSignal): Promise<SpawnResult> {
  try {
    const result = await spawnInstance(ctx, job, signal);
    await countEnd(ctx, job.request, 'success');
    return result;
  } catch (cause) {
    if (isRefusedByRedis(cause)) throw cause; // it has not ended: it is tried again
    if (signal?.aborted) throw signal.reason === SHUTTING_DOWN ? cause : givenUp(signal.reason, cause);
    const error = await explainByDisk(ctx, cause);
    const end = endOf(error);
    ctx.observe({ kind: 'spawn-failed', isOfHost: end === 'host-failure' });
    await countEnd(ctx, job.request, end);
    throw error;
  }
}

/**
 * What a failure comes to by what the disk says now: CheckError DISK_UNWRITABLE where it takes no writes, whatever it was
 * that failed for that. A quota that was met is remembered. Anything else stays as it is.
 */
async function explainByDisk(ctx: ServedContext, error: unknown): Promise<unknown> {
  if (error instanceof SpicaError && REFUSALS.includes(error.code)) {
    if (error.details['out'] === 'quota') ctx.quota.meet(await takenByPool(ctx, ctx.gate.ledger.ownBytes));
    return error;
  }
  if (error instanceof SpicaError && error.kind === 'refused') return error;
  const problem = await ctx.diskWrites.check();
  return problem === null ? error : new CheckError('DISK_UNWRITABLE', problem, {}, error);
}

/** Clones are given up because the disk is critically full, or takes no writes: the request has no room for now. */
function givenUp(reason: unknown, cause: unknown): CheckError {
  return new CheckError('NO_SPACE', `the clone was given up: ${reason}`, {}, cause);
}

/**
 * What says nothing of the host that is not known already: the job, its request or its template was not as it must be, or
 * the disk is full, or takes no writes.
 */
const REFUSALS = [
  'PAYLOAD_INVALID',
  'PARAM_INVALID',
  'NO_RESERVATION',
  'SNAPSHOT_GONE',
  'REQUEST_CANCELLED',
  'NO_SPACE',
  'DISK_UNWRITABLE',
  GIVEN_UP,
];

/** The user's fault, unless the disk takes no writes. */
const SETUP_FAILURES = ['SETUP_FAILED', 'SETUP_TIMED_OUT'];

function endOf(error: unknown): SpawnEnd {
  if (!(error instanceof SpicaError)) return 'host-failure';
  const isRefusal = error.kind === 'refused' || [...REFUSALS, ...SETUP_FAILURES].includes(error.code);
  return isRefusal ? 'refusal' : 'host-failure';
}

import { RefusedError, type SpicaError, type Step } from '@spica/core';
import { type RequestResult, toJobError } from '@spica/queues';
import { type GateJob, report } from './gate-job.ts';

/** All instances, in the order of their index, have come up, and are the requester's. */
export async function complete(gateJob: GateJob, ids: readonly string[]): Promise<RequestResult> {
  const { ctx, id } = gateJob;
  const { gate } = ctx;
  gate.requests.delete(id);
  gate.ledger.giveBack(id);
  gate.cancelled.delete(id);
  await ctx.publisher.now(); // who learns of the end plans by it
  await report(gateJob, { phase: 'done', reason: `${ids.length} spawned` });
  await gate.line.wake(); // its instances may go now: somebody may fit for that
  ctx.observe({ kind: 'request-ended', outcome: 'completed', code: null });
  gateJob.logger.info({ instances: ids }, 'request done');
  return { instances: ids.map((each) => ({ id: each, path: ctx.pool.pathOf(each) })) };
}

/** The gate says no: recorded, visible, and nothing of the request is left. Never returns. */
export async function reject(
  gateJob: GateJob,
  { code, reason, decision }: Omit<Extract<Step, { do: 'reject' }>, 'do'>,
): Promise<never> {
  const { ctx, id } = gateJob;
  gateJob.logger.info({ code, reason }, 'request rejected');
  await ctx.audit.append({ action: 'reject_request', request: id, reason, outcome: code });
  await report(gateJob, { phase: 'rejected', reason, code, ...(decision && { decision }) });
  ctx.observe({ kind: 'request-ended', outcome: 'rejected', code });
  await leave(gateJob);
  throw toJobError(new RefusedError(code, reason));
}

/** The request fails: recorded and visible. What came up of it was undone before. Never returns. */
export async function fail(gateJob: GateJob, error: SpicaError): Promise<never> {
  const { ctx, id } = gateJob;
  const { code, message } = error;
  await ctx.audit.append({ action: 'fail_request', request: id, reason: message, outcome: 'failed' });
  await report(gateJob, { phase: 'failed', reason: message, code });
  ctx.observe({ kind: 'request-ended', outcome: 'failed', code });
  await leave(gateJob);
  // As a job's error: it has ended, whatever its message says of what could not be written at the time.
  throw toJobError(error);
}

/** Whoever waited behind it may pass now. */
async function leave({ ctx, id }: GateJob): Promise<void> {
  ctx.gate.cancelled.delete(id);
  await ctx.publisher.now(); // who learns of the end plans by it
  await ctx.gate.line.leave(id);
  ctx.publisher.soon(); // nobody sees it in the line any more
  await ctx.gate.line.wake();
}

import { CheckError, RefusedError } from '@spica/core';
import { childIds, type PrepareResult, type PruneResult, readFailure } from '@spica/queues';
import type { Before } from './decide.ts';
import { endOfChild, type GateJob, roundOf } from './gate-job.ts';

/** The template's snapshot was prepared, or there was no room for it: the request is to be decided again. */
export async function afterPreparation(gateJob: GateJob): Promise<Before> {
  const { ctx, state } = gateJob;
  const child = childIds.prepare(roundOf(gateJob));
  const end = await endOfChild<PrepareResult>(gateJob, ctx.queues.spawn, child);
  gateJob.state = { ...state, step: 'decide' };
  if (end === null) return {};
  if ('failure' in end) {
    const { code, message } = readFailure(end.failure);
    if (isHeldFor(code)) return { doubt: message };
    throw isTemplatesOwn(code) ? new RefusedError(code, message) : new CheckError(code, message);
  }
  const { value } = end;
  if ('notes' in value) for (const note of value.notes) await gateJob.job.log(note);
  gateJob.state =
    'short' in value
      ? { ...gateJob.state, preparation: value.short }
      : { ...gateJob.state, fingerprint: value.fingerprint, preparation: null, prepared: state.prepared + 1 };
  return {};
}

/** Whether a child failed for what the request can wait to be over: want of room, or trouble with the disk. */
export function isHeldFor(code: string): boolean {
  return code === 'NO_SPACE' || code.startsWith('DISK_');
}

/** Whether the template is to blame: that a copy of it failed is the host's doing, and no refusal. */
function isTemplatesOwn(code: string): boolean {
  return code.startsWith('TEMPLATE_') && code !== 'TEMPLATE_COPY_FAILED';
}

/** Room was made for the request, as far as that was possible: it is to be decided again. */
export async function afterReclaim(gateJob: GateJob): Promise<Before> {
  const { ctx, id, state } = gateJob;
  const { gate } = ctx;
  const end = await endOfChild<PruneResult>(gateJob, ctx.queues.prune, childIds.prune(roundOf(gateJob)));
  gateJob.state = { ...state, step: 'decide' };
  const begunAt = gate.reclaims.get(id)?.wakes ?? null;
  if (end === null) return {};
  if ('failure' in end) {
    gateJob.logger.warn({ reason: end.failure }, 'the prune for this request failed');
    return { reclaimedInVain: true };
  }
  const { pruned, failed, failsAgain, skipped, reclaimedBytes } = end.value;
  // Where it took something, its space may only be late: nothing else goes before the request was held.
  if (pruned.length + skipped.length > 0 || reclaimedBytes > 0 || failsAgain)
    return { reclaimedInVain: true };
  // Where something could not be deleted, plans leave that out from now on: something else is next.
  if (failed.length > 0) return {};
  // Where it wanted nothing, something may have come free since, which woke the line before the request was in it.
  return { reclaimedInVain: gate.line.wakes === begunAt };
}

import { formatBytes } from '@spica/core';
import type { PrunePayload, PruneResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';

/** Tells what a run did: a line in the audit log and one in the program's. An emptied trash has its own lines. */
export async function summarize(
  ctx: Pick<ServedContext, 'audit' | 'logger'>,
  payload: PrunePayload,
  result: PruneResult,
): Promise<void> {
  if (payload.cause === 'trash' || payload.cause === 'restore') return;
  const pruned = result.pruned.length;
  const failed = result.failed.length;
  await ctx.audit.append({
    action: 'prune_instances',
    request: 'request' in payload ? payload.request : null,
    reason: result.sentence,
    bytes: result.reclaimedBytes,
    outcome: failed > 0 ? 'incomplete' : 'done',
    pruned,
    kept: result.kept,
    skipped: result.skipped.length,
    space_reclaimed_gb: toGb(result.reclaimedBytes),
    in_trash_gb: toGb(result.trashedBytes),
  });
  const facts = { cause: payload.cause, pruned, kept: result.kept, failed, skipped: result.skipped.length };
  const reclaimed = formatBytes(result.reclaimedBytes);
  ctx.logger.info({ ...facts, reclaimed, inTrash: formatBytes(result.trashedBytes) }, 'prune run ended');
}

function toGb(bytes: number): number {
  return Number((bytes / 1e9).toFixed(3));
}

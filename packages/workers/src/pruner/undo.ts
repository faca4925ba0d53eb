import { instanceIdOf, UsageError } from '@spica/core';
import type { PrunePayload } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import type { Kept, Removal } from './remove.ts';

/**
 * What an undo may remove: the request's own instances, as long as it has not ended well. Throws UsageError
 * PAYLOAD_INVALID for an id that the request cannot have: the job was put into the queue by hand.
 */
export async function listUndone(
  ctx: ServedContext,
  { ids, reason, request }: PrunePayload & { cause: 'undo' },
): Promise<{ removals: Removal[]; skipped: Kept[] }> {
  const removals: Removal[] = [];
  const skipped: Kept[] = [];
  for (const [index, id] of ids.entries()) {
    const expected = instanceIdOf(ctx.pool.name, request, index);
    if (id !== expected) {
      throw new UsageError(
        'PAYLOAD_INVALID',
        `prune job: ids.${index}: expected ${expected} for index ${index} of ${request}, got ${id}`,
      );
    }
    if ((await ctx.catalog.get(id))?.state === 'ready') {
      skipped.push({ id, reason: `request ${request} has not failed` });
    } else removals.push({ id, reason, request, undo: true });
  }
  return { removals, skipped };
}

import { floorOf } from '@spica/core';
import { type Audit, listTrash, readSpace, type TrashEntry } from '@spica/pool';
import type { ClockGuard } from '../clock/guard.ts';
import { freeSpace } from '../pruner/free.ts';
import { type Kept, messageOf } from '../pruner/remove.ts';
import type { OfflineContext } from './plan.ts';

/**
 * Deletes what the trash has held for its time, and while the disk is below its floor all of it, oldest first. What
 * resists is told of, and the rest goes on.
 */
export async function emptyTrashOffline(
  ctx: OfflineContext & { readonly audit: Audit; readonly clockGuard: ClockGuard },
): Promise<{ freed: TrashEntry[]; failed: Kept[] }> {
  const freed: TrashEntry[] = [];
  const failed: Kept[] = [];
  const before = ctx.clockGuard.now() - ctx.policy.retention.trashTtlMs;
  for (const entry of await listTrash(ctx.pool)) {
    if (entry.trashedAt > before && !(await isShort(ctx))) break;
    try {
      if (await freeSpace(ctx, entry)) freed.push(entry);
    } catch (error) {
      failed.push({ id: entry.id, reason: messageOf(error) });
    }
  }
  return { freed, failed };
}

async function isShort({ pool, policy }: OfflineContext): Promise<boolean> {
  const space = await readSpace(pool.paths.root);
  const floor = floorOf(policy.disk, space.totalInodes);
  return space.availableBytes < floor.bytes || (space.freeInodes !== null && space.freeInodes < floor.inodes);
}

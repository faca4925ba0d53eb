import { type DiskPoint, type Space, splitUse } from '@spica/core';
import { listTrash } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { bytesOf } from '../pruner/bytes.ts';

/** Who uses the disk now: instances as last measured, trash, prepared templates, and whoever else. */
export async function readUse(ctx: PoolContext, space: Space): Promise<DiskPoint> {
  const now = ctx.clock.now();
  const [{ ownBytes }, trash, templatesBytes] = await Promise.all([
    ctx.catalog.ledger(now),
    listTrash(ctx.pool),
    ctx.templates.preparedBytes(),
  ]);
  return splitUse(now, space, { instancesBytes: ownBytes, trashBytes: bytesOf(trash), templatesBytes });
}

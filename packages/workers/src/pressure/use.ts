import { type DiskPoint, type Space, splitUse } from '@spica/core';
import { listTrash } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { bytesOf } from '../pruner/trash.ts';

/** Who uses the disk now: instances as last measured, trash, prepared templates, and whoever else. */
export async function readUse(ctx: ServedContext, space: Space): Promise<DiskPoint> {
  const now = ctx.clock.now();
  const [trash, templatesBytes] = await Promise.all([listTrash(ctx.pool), ctx.templates.preparedBytes()]);
  const instancesBytes = ctx.gate.ledger.ownBytes;
  return splitUse(now, space, { instancesBytes, trashBytes: bytesOf(trash), templatesBytes });
}

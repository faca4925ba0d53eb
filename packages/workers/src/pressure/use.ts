import { type DiskPoint, type Space, splitUse } from '@spica/core';
import { listTrash } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { bytesOf } from '../pruner/trash.ts';

/**
 * Who uses the disk now: instances as last measured, trash, prepared templates, and whoever else; and what of the available
 * is spoken for.
 *
 * @param hostAvailableBytes On the disk that the pool's image lies on; null for none.
 */
export async function readUse(
  ctx: ServedContext,
  space: Space,
  hostAvailableBytes: number | null,
): Promise<DiskPoint> {
  const now = ctx.clock.now();
  const [trash, templatesBytes] = await Promise.all([listTrash(ctx.pool), ctx.templates.preparedBytes()]);
  const instancesBytes = ctx.gate.ledger.ownBytes;
  const use = splitUse(now, space, { instancesBytes, trashBytes: bytesOf(trash), templatesBytes });
  const { growth, reserved } = ctx.gate.ledger.sums(ctx.clockGuard.now());
  return { ...use, growthBytes: growth.bytes, reservedBytes: reserved.bytes, hostAvailableBytes };
}

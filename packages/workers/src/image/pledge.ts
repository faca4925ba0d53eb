import { filesystemOf, readImageHost } from '@spica/pool';
import type { ServedContext } from '../context.ts';

/**
 * Counts what the pool's image may still grow by as promised on the disk that it lies on, for the other pools there. Does
 * nothing for pools in no image. Throws what the filesystem says.
 */
export async function pledgeGrowth({ gate, image }: ServedContext, root: string): Promise<void> {
  if (!image) return;
  const host = await readImageHost(root);
  const id = host && (await filesystemOf(host.dir));
  const below = gate.below.find(({ filesystem }) => filesystem.id === id);
  below?.filesystem.totals.pledge(gate.filesystem.totals, host?.mayGrowBytes ?? 0);
}

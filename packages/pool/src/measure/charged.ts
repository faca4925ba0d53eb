import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@spica/core';
import type { PoolCharges } from '../image/charge.ts';
import { isThere } from '../missing.ts';
import type { Charge } from '../native/btrfs-quota.ts';
import { syncFilesystem } from '../sync.ts';
import { inThread } from '../threads/threads.ts';
import type { Measurement } from './measure.ts';

/** BTRFS_SUPER_MAGIC, as `statfs` says it. */
const BTRFS = 0x9123683e;

/**
 * What instances on a filesystem are charged, as of its last commit; null where it keeps no simple quotas, and for users
 * that are not told.
 */
export async function readCharges(root: string, signal?: AbortSignal): Promise<PoolCharges | null> {
  if ((await statfs(root)).type !== BTRFS) return null;
  return inThread('charges', { root }, signal);
}

/**
 * What instances on a filesystem are charged now; null as above. What was written a moment ago is charged when it goes to
 * the disk, so that is brought about first: it may take seconds.
 */
export async function readChargesNow(root: string, signal?: AbortSignal): Promise<PoolCharges | null> {
  if (!(await readCharges(root, signal))) return null;
  await syncFilesystem(root);
  return readCharges(root, signal);
}

/** A charge as a measurement. The kernel counts neither inodes nor what is shared, so all its sizes are the same. */
export function asMeasurement({ bytes, capBytes }: Charge, clock: Clock): Measurement {
  const sizes = { allocatedBytes: bytes, apparentBytes: bytes, ownBytes: bytes, inodes: 0 };
  return { at: clock.now(), ...sizes, capBytes };
}

/** The measurements of those in `dir` that are charged by themselves, by id; the others have to be walked. */
export async function measureCharged(
  dir: string,
  targets: readonly { readonly id: string; readonly name: string }[],
  charges: PoolCharges,
  clock: Clock,
): Promise<Map<string, Measurement>> {
  const found = await Promise.all(
    targets.map(async ({ id, name }) => {
      const charge = charges.byInstance.get(id);
      return charge && (await isThere(join(dir, name)))
        ? ([id, asMeasurement(charge, clock)] as const)
        : null;
    }),
  );
  return new Map(found.filter((each) => each !== null));
}

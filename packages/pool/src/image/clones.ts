import { readSimpleCharges } from '../native/btrfs-quota.ts';
import { readSubvolumes, subvolumeNumber } from '../native/btrfs-tree.ts';

/**
 * Which of the prepared snapshots in `dir` still have clones, in the trash and in the making too, where the kernel keeps
 * simple quotas: the bytes that clones share are charged to the snapshot that wrote them, and stay on the disk, charged to
 * nobody, when it is deleted before them. None elsewhere. It waits for the disk: run it in a thread. Throws what the
 * kernel says.
 */
export function snapshotsWithClones(dir: string, paths: readonly string[]): string[] {
  if (!readSimpleCharges(dir)) return [];
  const subvolumes = readSubvolumes(dir);
  const parents = new Set(subvolumes.map(({ parentUuid }) => parentUuid));
  const uuids = new Map(subvolumes.map(({ number, uuid }) => [number, uuid]));
  return paths.filter((path) => parents.has(uuids.get(subvolumeNumber(path)) ?? ''));
}

import type { Pool } from '../layout.ts';
import { type Charge, capGroup, joinGroup, readSimpleCharges, removeGroup } from '../native/btrfs-quota.ts';
import { readSubvolumes, TOP_LEVEL } from '../native/btrfs-tree.ts';

/** Ids that a spawner makes, as a number of 48 bits: that of the group to which an instance's bytes are charged. */
const SPAWNED = /^spica-([0-9a-f]{12})$/;

function groupOf(id: string): bigint | null {
  const [, digits] = SPAWNED.exec(id) ?? [];
  return digits === undefined ? null : BigInt(`0x${digits}`);
}

/** Where a pool's instances are charged for what they write, and how much of that each may. */
export interface ChargeTerms {
  /** Null for no cap. */
  readonly capBytes: number | null;
}

/**
 * Has the kernel charge a clone in the making to its instance, with what is written into subvolumes that are made in it
 * later, and refuse what goes beyond its cap. To be called before anybody writes to it. It waits for the disk: run it in
 * a thread. Throws what the kernel says.
 */
export function chargeClone(path: string, id: string, { capBytes }: ChargeTerms): void {
  const group = groupOf(id);
  if (group === null) return;
  joinGroup(path, group);
  capGroup(path, group, capBytes);
}

/** Caps an instance anew; false where nothing is charged to it. Needs root. Throws what the kernel says. */
export function capInstance(pool: Pool, id: string, bytes: number): boolean {
  const group = groupOf(id);
  return group !== null && capGroup(pool.paths.root, group, bytes);
}

/** What the kernel says where there are no caps, or to those who may not lift one. */
const NO_CAPS = ['ENOTTY', 'ENOTCONN', 'EINVAL', 'EPERM'];

/**
 * Takes away the cap of an instance that is to be deleted, where it has one: at its cap the kernel refuses to delete what
 * is in it, too. `dir` is on the same filesystem.
 */
export function liftCap(dir: string, id: string): void {
  const group = groupOf(id);
  try {
    if (group !== null) capGroup(dir, group, null);
  } catch (error) {
    if (!NO_CAPS.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** What a pool's instances are charged, in the trash and in the making too, as of the last commit of the filesystem. */
export interface PoolCharges {
  /** By instance id. */
  readonly byInstance: ReadonlyMap<string, Charge>;
  /**
   * What was charged to subvolumes that are deleted, and stays on the disk as others share it: a fork's source, say. It
   * comes back with the last of them.
   */
  readonly orphanedBytes: number;
}

/**
 * Reads all charges of a filesystem at once; null where it does not keep simple quotas, or does not tell an ordinary user.
 * It waits for the disk: run it in a thread. Throws what the kernel says.
 */
export function readPoolCharges(root: string): PoolCharges | null {
  const charges = readSimpleCharges(root);
  if (!charges) return null;
  const byInstance = [...charges.byGroup].map(([group, charge]): [string, Charge] => [
    `spica-${group.toString(16).padStart(12, '0')}`,
    charge,
  ]);
  const there = new Set([TOP_LEVEL, ...readSubvolumes(root).map(({ number }) => number)]);
  const orphaned = [...charges.bySubvolume].filter(([number]) => !there.has(number));
  return {
    byInstance: new Map(byInstance),
    orphanedBytes: orphaned.reduce((sum, [, bytes]) => sum + bytes, 0),
  };
}

/** Forgets the cap of an instance that is gone; false while something is still charged to it. */
export function forgetCharge(pool: Pool, id: string): boolean {
  const group = groupOf(id);
  return group !== null && removeGroup(pool.paths.root, group);
}

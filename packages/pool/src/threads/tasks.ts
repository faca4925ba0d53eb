/** What runs in threads of its own (`threads.ts`): it waits for the disk, or counts for long. */

import type { Collected } from '@spica/core';
import type { AuditVerdict, CheckedTo } from '../audit/verify.ts';
import type { CollectInput, CollectTaskResult } from '../collect/carry-out.ts';
import type { ChargeTerms, PoolCharges } from '../image/charge.ts';
import type { Digest, Part } from '../template/digest.ts';

export interface Tasks {
  digest(input: { dir: string; part: Part }): Promise<Digest>;
  /** The data in each of the files (native/data.ts), by key, in the order of the keys. */
  data(input: { dir: string; keys: readonly string[] }): Promise<number[]>;
  snapshot(input: { from: string; to: string }): Promise<boolean>;
  destroy(input: { path: string }): Promise<void>;
  charge(input: { path: string; id: string; terms: ChargeTerms }): Promise<void>;
  snapshotsWithClones(input: { dir: string; paths: readonly string[] }): Promise<string[]>;
  deleting(input: { dir: string }): Promise<number>;
  charges(input: { root: string }): Promise<PoolCharges | null>;
  collect(input: CollectInput): Promise<CollectTaskResult<Collected>>;
  collectState(input: { dir: string; patterns: readonly string[] }): Promise<CollectTaskResult<string>>;
  audit(input: { path: string; after: CheckedTo | null }): Promise<AuditVerdict>;
}

// A thread loads what its task needs and no more: to load all of it takes longer than to start a thread.
export const digest: Tasks['digest'] = async ({ dir, part }) =>
  (await import('../template/digest.ts')).digestPart(dir, part);
export const data: Tasks['data'] = async ({ dir, keys }) => {
  const [{ dataBytesOf }, { rawPathAt }] = await Promise.all([
    import('../native/data.ts'),
    import('../template/key.ts'),
  ]);
  return keys.map((key) => dataBytesOf(rawPathAt(dir, key)));
};
export const snapshot: Tasks['snapshot'] = async ({ from, to }) =>
  (await import('../native/subvolume.ts')).snapshotSubvolume(from, to);
export const destroy: Tasks['destroy'] = async ({ path }) =>
  (await import('../native/subvolume.ts')).destroySubvolume(path);
export const charge: Tasks['charge'] = async ({ path, id, terms }) =>
  (await import('../image/charge.ts')).chargeClone(path, id, terms);
export const charges: Tasks['charges'] = async ({ root }) =>
  (await import('../image/charge.ts')).readPoolCharges(root);
export const snapshotsWithClones: Tasks['snapshotsWithClones'] = async ({ dir, paths }) =>
  (await import('../image/clones.ts')).snapshotsWithClones(dir, paths);
export const deleting: Tasks['deleting'] = async ({ dir }) =>
  (await import('../native/btrfs-tree.ts')).countDeleting(dir);
export const collect: Tasks['collect'] = async (input) =>
  (await import('../collect/carry-out.ts')).collectTask(input);
export const collectState: Tasks['collectState'] = async ({ dir, patterns }) =>
  (await import('../collect/carry-out.ts')).stateTask(dir, patterns);
export const audit: Tasks['audit'] = async ({ path, after }) =>
  (await import('../audit/verify.ts')).verifyAudit(path, after);

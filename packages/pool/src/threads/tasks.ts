/** What runs in threads of its own (`threads.ts`): it waits for the disk, or counts for long. */

import type { Collected } from '@spica/core';
import { type AuditVerdict, type CheckedTo, verifyAudit } from '../audit/verify.ts';
import { type CollectInput, type CollectTaskResult, collectTask, stateTask } from '../collect/carry-out.ts';
import { type ChargeTerms, chargeClone, type PoolCharges, readPoolCharges } from '../image/charge.ts';
import { snapshotsWithClones as findWithClones } from '../image/clones.ts';
import { countDeleting } from '../native/btrfs-tree.ts';
import { dataBytesOf } from '../native/data.ts';
import { destroySubvolume, snapshotSubvolume } from '../native/subvolume.ts';
import { type Digest, digestPart, type Part } from '../template/digest.ts';
import { rawPathAt } from '../template/key.ts';

export interface Tasks {
  digest(input: { dir: string; part: Part }): Digest;
  /** The data in each of the files (native/data.ts), by key, in the order of the keys. */
  data(input: { dir: string; keys: readonly string[] }): number[];
  snapshot(input: { from: string; to: string }): boolean;
  destroy(input: { path: string }): void;
  charge(input: { path: string; id: string; terms: ChargeTerms }): void;
  snapshotsWithClones(input: { dir: string; paths: readonly string[] }): string[];
  deleting(input: { dir: string }): number;
  charges(input: { root: string }): PoolCharges | null;
  collect(input: CollectInput): CollectTaskResult<Collected>;
  collectState(input: { dir: string; patterns: readonly string[] }): CollectTaskResult<string>;
  audit(input: { path: string; after: CheckedTo | null }): Promise<AuditVerdict>;
}

export const digest: Tasks['digest'] = ({ dir, part }) => digestPart(dir, part);
export const data: Tasks['data'] = ({ dir, keys }) => keys.map((key) => dataBytesOf(rawPathAt(dir, key)));
export const snapshot: Tasks['snapshot'] = ({ from, to }) => snapshotSubvolume(from, to);
export const destroy: Tasks['destroy'] = ({ path }) => destroySubvolume(path);
export const charge: Tasks['charge'] = ({ path, id, terms }) => chargeClone(path, id, terms);
export const charges: Tasks['charges'] = ({ root }) => readPoolCharges(root);
export const snapshotsWithClones: Tasks['snapshotsWithClones'] = ({ dir, paths }) =>
  findWithClones(dir, paths);
export const deleting: Tasks['deleting'] = ({ dir }) => countDeleting(dir);
export const collect: Tasks['collect'] = (input) => collectTask(input);
export const collectState: Tasks['collectState'] = ({ dir, patterns }) => stateTask(dir, patterns);
export const audit: Tasks['audit'] = ({ path, after }) => verifyAudit(path, after);

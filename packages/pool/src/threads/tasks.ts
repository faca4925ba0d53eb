/** What runs in threads of its own (`threads.ts`): it waits for the disk, or counts for long. */

import { copySmall } from '../clone/copy-small.ts';
import { snapshotSubvolume } from '../native/snapshot.ts';
import { syncFilesystem } from '../native/sync.ts';
import { type Digest, digestPart, type Part } from '../template/digest.ts';

export interface Tasks {
  digest(input: { dir: string; part: Part }): Digest;
  snapshot(input: { from: string; to: string }): boolean;
  copy(input: { from: string; to: string }): boolean;
  sync(input: { dir: string }): void;
}

export const digest: Tasks['digest'] = ({ dir, part }) => digestPart(dir, part);
export const copy: Tasks['copy'] = ({ from, to }) => copySmall(from, to);
export const snapshot: Tasks['snapshot'] = ({ from, to }) => snapshotSubvolume(from, to);
export const sync: Tasks['sync'] = ({ dir }) => syncFilesystem(dir);

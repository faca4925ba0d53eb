/** What runs in threads of its own (`threads.ts`): it waits for the disk, or counts for long. */

import { snapshotSubvolume } from '../native/snapshot.ts';
import { type Digest, digestPart, type Part } from '../template/digest.ts';

export interface Tasks {
  digest(input: { dir: string; part: Part }): Digest;
  snapshot(input: { from: string; to: string }): boolean;
}

export const digest: Tasks['digest'] = ({ dir, part }) => digestPart(dir, part);
export const snapshot: Tasks['snapshot'] = ({ from, to }) => snapshotSubvolume(from, to);

import type { Division } from '../clone/division.ts';

/** What of a prepared snapshot a clone of it follows from. */
export type Snapshot = Pick<Prepared, 'path' | 'division'>;

/** A template as instances are cloned from it: after `.templateignore`, as it was at one moment. */
export interface Prepared {
  /** Name of the template in the config. */
  readonly template: string;
  /** What the template was then: equal fingerprints mean that nothing has changed. */
  readonly fingerprint: string;
  /** Absolute; a btrfs subvolume in a pool that clones by snapshot. */
  readonly path: string;
  /** First line of its VERSION file. */
  readonly version: string;
  /** Commit that the template's git HEAD was at, or `unknown`. */
  readonly originCommit: string;
  /** `git:` and the first 8 digits of the commit, or `git:unknown`. */
  readonly templateRef: string;
  /** Bytes that it occupies on disk, hard links once: what a full copy will allocate. */
  readonly allocatedBytes: number;
  readonly inodes: number;
  /** How it is copied by several programs at once; null where one does it. */
  readonly division: Division | null;
}

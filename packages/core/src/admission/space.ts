/** What a filesystem has to give, as one look saw it. */
export interface Space {
  /** Bytes that an unprivileged process can still use. */
  readonly availableBytes: number;
  readonly totalBytes: number;
  /** Null where the filesystem has no limit of inodes (btrfs reports 0 of 0). */
  readonly freeInodes: number | null;
  readonly totalInodes: number | null;
}

/**
 * What else bounds the bytes that a pool may take: a disk below its filesystem (`disk.also_watch`), or a ceiling on the
 * pool itself (`disk.max_pool_gb`, a quota).
 */
export interface Bound {
  /** Follows "available" in the sum: `on /srv (disk.also_watch)`. */
  readonly name: string;
  /** Below 0 where more is taken already than may be. */
  readonly availableBytes: number;
  /** What was taken off that, as the btrfs of an image on it has yet to write it; 0 elsewhere. */
  readonly unwrittenBytes: number;
  /** What it would have for an empty pool; null where nobody knows. */
  readonly totalBytes: number | null;
  readonly floorBytes: number;
  /** What is deleted in the pool comes back here too. */
  readonly isFreedByDeletion: boolean;
}

/** Bytes, inodes and slots (instances): what is asked for, reserved, or missing. */
export interface Amount {
  readonly bytes: number;
  readonly inodes: number;
  readonly slots: number;
}

/** How much an instance or a replica takes, or is expected to. */
export interface Size {
  readonly bytes: number;
  readonly inodes: number;
}

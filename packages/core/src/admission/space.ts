/** What a filesystem has to give, as one look saw it. */
export interface Space {
  /** Bytes that an unprivileged process can still use. */
  readonly availableBytes: number;
  readonly totalBytes: number;
  /** Null where the filesystem has no limit of inodes (btrfs reports 0 of 0). */
  readonly freeInodes: number | null;
  readonly totalInodes: number | null;
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

import type { Size } from '../admission/space.ts';

/** A running sum of bytes and inodes. */
class Total {
  #bytes = 0;
  #inodes = 0;

  add({ bytes, inodes }: Size, times = 1): void {
    this.#bytes += times * bytes;
    this.#inodes += times * inodes;
  }

  get size(): Size {
    return { bytes: this.#bytes, inodes: this.#inodes };
  }
}

/**
 * What is reserved on one filesystem: one for all of a process's pools on it, since they take the same bytes. The pools'
 * ledgers keep it up to date.
 */
export class FilesystemTotals {
  readonly reserved = new Total();
  readonly growth = new Total();
  /** What clones and preparations have put on the disk, ever: see `LedgerSums.landed`. */
  readonly landed = new Total();
  /** What clones under way will have put there when they are done. */
  readonly cloning = new Total();
  /** What other processes have reserved on it, as they last published. */
  elsewhere: Size = { bytes: 0, inodes: 0 };
}

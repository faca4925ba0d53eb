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
  /** What clones, preparations and growth may have put on the disk, ever: see `LedgerSums.landed`. */
  readonly landed = new Total();
  /** What clones under way will have put there when they are done. */
  readonly cloning = new Total();
  /** What is reserved for instances whose set-up runs, which may have written a part of it. */
  readonly settingUp = new Total();
  /**
   * What was cloned onto a disk above it, and may still be in memory: the system allocates here only as it writes. Until
   * then it is counted as reserved.
   */
  readonly unsynced = new Total();
  /** What other processes have reserved on it, as they last published. */
  elsewhere: Size = { bytes: 0, inodes: 0 };

  readonly #pledged = new Map<FilesystemTotals, number>();

  /** An image that lies on it may still take so much of it, whatever is reserved in it: the image's totals are `of`. */
  pledge(of: FilesystemTotals, bytes: number): void {
    this.#pledged.set(of, bytes);
  }

  /** What images on it may still take beyond what is reserved in them, which is reserved here too. */
  pledgedBytes(except: FilesystemTotals | null): number {
    let sum = 0;
    for (const [of, bytes] of this.#pledged) {
      if (of === except) continue;
      sum += Math.max(0, bytes - of.reservedHere.bytes - of.growth.size.bytes);
    }
    return sum;
  }

  /** What is reserved on it by this process, with what is on its way to it. */
  get reservedHere(): Size {
    const [reserved, unsynced] = [this.reserved.size, this.unsynced.size];
    return { bytes: reserved.bytes + unsynced.bytes, inodes: reserved.inodes + unsynced.inodes };
  }

  /** What is reserved on it, here and by other processes. */
  get reservedInAll(): Size {
    const { bytes, inodes } = this.reservedHere;
    return { bytes: bytes + this.elsewhere.bytes, inodes: inodes + this.elsewhere.inodes };
  }
}

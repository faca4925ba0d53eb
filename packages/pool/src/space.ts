import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Clock, Space } from '@spica/core';

/** Looks at the filesystem that holds `dir`: bytes an unprivileged process can use, and inodes. */
export async function readSpace(dir: string): Promise<Space> {
  return spaceFrom(await statfs(dir));
}

/** Figures from here on are 64-bit numbers below 0, or "no limit", as some filesystems write them. */
const IMPOSSIBLE = 2 ** 63;

/**
 * The space that `statfs` tells of. What a filesystem says of inodes counts as a limit only where it can be one: btrfs
 * says 0 of 0, CephFS and some FUSE filesystems 2^64 − 1 free of however many there are now. Free bytes below 0, as a
 * quota that was exceeded gives them, are none.
 */
export function spaceFrom(figures: StatsFs): Space {
  const { bsize, bavail, blocks, files, ffree } = figures;
  const unit = figures.frsize || bsize; // as `df` counts: on some network filesystems `bsize` is what is transferred at once
  const hasInodeLimit = files > 0 && files < IMPOSSIBLE && ffree <= files;
  return {
    availableBytes: bavail < IMPOSSIBLE ? bavail * unit : 0,
    totalBytes: blocks * unit,
    freeInodes: hasInodeLimit ? ffree : null,
    totalInodes: hasInodeLimit ? files : null,
  };
}

/** Reads a filesystem's space; calls that come while one is under way, or shortly after, share it. */
export interface SpaceGauge {
  /** A reading that is at most `maxAgeMs` old: one that began no earlier than that before this call. */
  read(options: { maxAgeMs: number }): Promise<Space>;
}

export function createSpaceGauge({ dir, clock }: { dir: string; clock: Clock }): SpaceGauge {
  let last: { begun: number; space: Promise<Space> } | null = null;
  return {
    read({ maxAgeMs }) {
      const now = clock.now();
      if (last && maxAgeMs > 0 && now >= last.begun && now - last.begun <= maxAgeMs) return last.space;
      const reading = { begun: now, space: readSpace(dir) };
      last = reading;
      reading.space.catch(() => {
        if (last === reading) last = null;
      });
      return reading.space;
    },
  };
}

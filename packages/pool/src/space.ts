import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { Clock, Space } from '@spica/core';

/** Looks at the filesystem that holds `dir`: bytes an unprivileged process can use, and inodes. */
export async function readSpace(dir: string): Promise<Space> {
  return spaceFrom(await statfs(dir));
}

/** The same, from what statfs(2) says. */
export function spaceFrom({ bsize, frsize, bavail, blocks, files, ffree }: StatsFs): Space {
  const unit = frsize || bsize; // as `df` counts: on some network filesystems `bsize` is what is transferred at once
  const hasInodeLimit = files > 0; // btrfs says 0 of 0
  return {
    availableBytes: bavail * unit,
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

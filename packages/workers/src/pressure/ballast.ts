import { rm, stat } from 'node:fs/promises';
import { nullIfMissing } from '@spica/core';
import type { Pool } from '@spica/pool';
import { execa } from 'execa';

/** Space that is kept to be given up when the disk is full, so that Redis, audit log and deletion can go on. */
export interface Ballast {
  /** How much it is to take. */
  readonly bytes: number;
  /** Gives it up; false when there is none. Needs no space itself. */
  giveUp(): Promise<boolean>;
  /** Takes it again. Throws what `fallocate` says when the disk does not have it. */
  restore(): Promise<void>;
}

export function createBallast(pool: Pool, bytes: number): Ballast {
  const path = pool.paths.ballast;
  const size = async () => (await nullIfMissing(stat(path)))?.size ?? null;
  return {
    bytes,
    async giveUp() {
      if ((await size()) === null) return false;
      await rm(path, { force: true });
      return true;
    },
    async restore() {
      const there = await size();
      if (there === bytes) return;
      await rm(path, { force: true }); // of another size: the config has changed
      if (bytes === 0) return;
      try {
        await execa('fallocate', ['-l', String(bytes), '--', path]);
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    },
  };
}

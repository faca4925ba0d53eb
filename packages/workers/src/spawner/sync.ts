import type { Size } from '@spica/core';
import { syncFilesystem } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { openFor } from './breaker.ts';

/** Puts what was cloned on the disk, where a write that was taken may still fail. */
export interface CloneSync {
  /** So much was cloned, and lies in memory: on the disks below nothing of it was allocated yet. */
  noteWritten(ctx: ServedContext, size: Size): void;
  /**
   * Once no clone is under way, has the system write what was noted. Where the disk does not take it (a sparse image on a
   * disk that is full, a thin volume, a bad device), the breaker opens: spawns seemed to work, and did not. Does nothing
   * where nothing was noted since. Throws what opening the breaker throws.
   */
  syncClones(ctx: ServedContext): Promise<void>;
}

export function createCloneSync(sync: (dir: string) => Promise<void> = syncFilesystem): CloneSync {
  let waiting: Size[] = [];
  return {
    noteWritten({ gate }, { bytes }) {
      const size = { bytes, inodes: 0 };
      for (const { filesystem } of gate.below) filesystem.totals.unsynced.add(size);
      waiting.push(size);
    },
    async syncClones(ctx) {
      const isCloning = ctx.gate.filesystem.totals.cloning.size.inodes > 0;
      if (waiting.length === 0 || isCloning) return;
      const written = waiting;
      waiting = [];
      const problem = await sync(ctx.pool.paths.root).then(() => null, sayFailure);
      for (const { filesystem } of ctx.gate.below) {
        for (const size of written) filesystem.totals.unsynced.add(size, -1);
      }
      // A disk that takes no writes at all is told of, and holds requests, by itself.
      if (problem === null || (await ctx.diskWrites.check()) !== null) return;
      await openFor(
        ctx,
        `what was cloned could not be put on the disk of ${ctx.pool.paths.root} (${problem})`,
      );
    },
  };
}

/** What the program said at last. */
function sayFailure(error: unknown): string {
  return (error instanceof Error ? error.message.trim().split('\n').at(-1) : null) ?? String(error);
}

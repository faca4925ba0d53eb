import type { PoolContext } from '../context.ts';

/** Whether spawns are paused because the disk is full, which Redis has to be told, and may not take for a while. */
export interface SpawnPause {
  /** As far as Redis is known to have taken it. */
  readonly isPaused: boolean;
  /**
   * Has spawns paused, or go on. Resolves once it is so; rejects when Redis refuses: call it again. Calls that overlap
   * are joined, and come to what was wanted last: what was asked for while Redis hung is not done after what was asked
   * for later.
   */
  want(paused: boolean): Promise<void>;
}

/**
 * What an earlier process left paused is known by the level that it kept, and what an operator paused is left alone.
 * Rejects when Redis does.
 */
export async function openSpawnPause(
  ctx: Pick<PoolContext, 'catalog' | 'queues' | 'clock'>,
): Promise<SpawnPause> {
  const { catalog, queues, clock } = ctx;
  let isPaused = (await catalog.pressure())?.level === 'critical';
  let wanted = isPaused;
  let running: Promise<void> | null = null;

  async function pause(): Promise<void> {
    const now = clock.now();
    // Before, so that a process that ends in between is known to have done it.
    await catalog.savePressure({ level: 'critical', since: now, at: now });
    await queues.spawn.pause();
  }

  async function applyWanted(): Promise<void> {
    do {
      const next = wanted;
      await (next ? pause() : queues.spawn.resume());
      isPaused = next;
    } while (isPaused !== wanted);
  }

  return {
    get isPaused() {
      return isPaused;
    },
    want(paused) {
      wanted = paused;
      running ??= applyWanted().finally(() => {
        running = null;
      });
      return running;
    },
  };
}

import type { Catalog, Ledger } from '@spica/catalog';
import type { Clock, Space } from '@spica/core';
import type { SpaceGauge } from '@spica/pool';

/** A look at the disk, with what had been settled before it: clones that land later are still counted as promised. */
export interface Look {
  readonly space: Space;
  readonly settled: Ledger['settled'];
}

/** One look serves all requests that the gate takes up within this time. */
const SHARED_MS = 100;

export interface Lookout {
  /** `fresh` looks again: after a prune, or for a request that was held. */
  look(fresh: boolean): Promise<Look>;
}

export function createLookout(parts: { catalog: Catalog; gauge: SpaceGauge; clock: Clock }): Lookout {
  const { catalog, gauge, clock } = parts;
  let last: { at: number; look: Promise<Look> } | null = null;

  async function measure(): Promise<Look> {
    // The ledger first: what is settled after this line is added to what is promised, never overlooked.
    const { settled } = await catalog.ledger(clock.now());
    return { settled, space: await gauge.read({ maxAgeMs: 0 }) };
  }

  return {
    look(fresh) {
      const now = clock.now();
      if (!fresh && last && now - last.at < SHARED_MS && now >= last.at) return last.look;
      const look = measure();
      last = { at: now, look };
      look.catch(() => {
        if (last?.look === look) last = null;
      });
      return look;
    },
  };
}

import { type Catalog, type CatalogInstance, readDepartures } from '@spica/catalog';
import type { Departure } from '@spica/core';

/** All instances of a pool, when each would go, and the pool's directory; null where nobody has served it. */
export interface Stand {
  readonly all: readonly CatalogInstance[];
  readonly root: string | null;
  readonly departures: ReadonlyMap<string, Departure>;
}

interface Reads {
  running: Promise<Stand> | null;
  next: Promise<Stand> | null;
}

const readsOf = new WeakMap<Catalog, Reads>();

/**
 * When an instance goes depends on all others, so all are read. Who asks while they are being read shares the next read
 * with all who do so: a read that began before might miss what its caller has just written.
 */
export function readStand(catalog: Catalog): Promise<Stand> {
  const reads = readsOf.get(catalog) ?? { running: null, next: null };
  readsOf.set(catalog, reads);
  if (reads.running === null) return begin(catalog, reads);
  reads.next ??= reads.running
    .catch(() => undefined) // its own callers hear of it
    .then(() => {
      reads.next = null;
      return begin(catalog, reads);
    });
  return reads.next;
}

function begin(catalog: Catalog, reads: Reads): Promise<Stand> {
  const running = read(catalog).finally(() => {
    if (reads.running === running) reads.running = null;
  });
  reads.running = running;
  return running;
}

async function read(catalog: Catalog): Promise<Stand> {
  const all = await Array.fromAsync(catalog.list());
  const departures = await readDepartures(catalog, all, { policy: null, now: Date.now() });
  return { all, departures, root: (await catalog.publishedGate())?.root ?? null };
}

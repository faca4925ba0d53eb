import { isDeepStrictEqual } from 'node:util';
import { type Catalog, type CatalogInstance, readDepartures } from '@spica/catalog';
import type { Departure } from '@spica/core';

/** All instances of a pool as they were a moment ago, and when each would go. */
interface Stand {
  readonly readAt: number;
  readonly all: ReadonlyMap<string, CatalogInstance>;
  readonly departures: ReadonlyMap<string, Departure>;
}

/** For how long the others are taken to be as they were read: there may be ten thousand of them. */
const FRESH_MS = 5_000;

const stands = new WeakMap<Catalog, Promise<Stand>>();

/**
 * When these instances would go by themselves, and what keeps each. That depends on all others, too: of those a change is
 * noticed some seconds later. What is said of an instance always fits its record as it was given here.
 */
export async function departuresOfSome(
  catalog: Catalog,
  some: readonly CatalogInstance[],
): Promise<ReadonlyMap<string, Departure>> {
  if (some.length === 0) return new Map();
  const stand = await recent(catalog);
  const changed = some.filter((each) => !isDeepStrictEqual(stand.all.get(each.record.id), each));
  if (changed.length === 0) return stand.departures;
  const all = new Map(stand.all);
  for (const each of changed) all.set(each.record.id, each);
  return (await keep(catalog, judge(catalog, all, stand.readAt))).departures;
}

async function recent(catalog: Catalog): Promise<Stand> {
  const known = stands.get(catalog);
  const stand = await (known ?? keep(catalog, readAll(catalog)));
  if (known === undefined || performance.now() - stand.readAt < FRESH_MS) return stand;
  const next = stands.get(catalog); // whoever found it old before has begun to read
  return next === undefined || next === known ? keep(catalog, readAll(catalog)) : next;
}

/** When all of them would go: what is asked for in the next seconds is answered from it. */
export async function departuresOfAll(
  catalog: Catalog,
  all: readonly CatalogInstance[],
): Promise<ReadonlyMap<string, Departure>> {
  return (await keep(catalog, judge(catalog, byId(all), performance.now()))).departures;
}

/** One that could not be read is forgotten, so that the next who asks tries anew. */
function keep(catalog: Catalog, reading: Promise<Stand>): Promise<Stand> {
  stands.set(catalog, reading);
  reading.catch(() => {
    if (stands.get(catalog) === reading) stands.delete(catalog);
  });
  return reading;
}

async function readAll(catalog: Catalog): Promise<Stand> {
  const readAt = performance.now();
  return judge(catalog, byId(await Array.fromAsync(catalog.list())), readAt);
}

async function judge(
  catalog: Catalog,
  all: ReadonlyMap<string, CatalogInstance>,
  readAt: number,
): Promise<Stand> {
  const departures = await readDepartures(catalog, [...all.values()], { policy: null, now: Date.now() });
  return { readAt, all, departures };
}

function byId(instances: readonly CatalogInstance[]): ReadonlyMap<string, CatalogInstance> {
  return new Map(instances.map((each) => [each.record.id, each]));
}

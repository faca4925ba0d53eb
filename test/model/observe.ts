import { hashLeaseToken } from '@spica/catalog';
import { expect } from 'vitest';
import type { Instance, Model } from './model.ts';
import type { World } from './world.ts';

/** What can be seen of an instance: where it lies, and what the catalog says of it (null where it does not know it). */
export interface Seen {
  readonly place: Instance['place'];
  /** It lies in the trash, and its deletion has begun. */
  readonly deletionBegun: boolean;
  readonly said: Said | null;
}

export interface Said {
  readonly state: string;
  readonly spawnedAt: number | null;
  readonly lease: { readonly owner: string; readonly expiresAt: number } | null;
  readonly lastLeasedAt: number | null;
  readonly releasedAt: number | null;
  readonly pinned: boolean;
  readonly score: number | null;
}

/** Looks at disk and catalog. */
export async function observe(world: World): Promise<Map<string, Seen>> {
  const [visible, trashed, listed] = await Promise.all([
    world.visible(),
    world.trashed(),
    Array.fromAsync(world.ctx.catalog.list()),
  ]);
  const said = new Map(
    listed.map(({ record, state }): [string, Said] => {
      const { id, spawnedAt, lease, lastLeasedAt, releasedAt, pin, score } = record;
      if (lease && lease.tokenHash !== hashLeaseToken(lease.owner)) throw new Error(`${id}: not its token`);
      const leased = lease && { owner: lease.owner, expiresAt: lease.expiresAt };
      return [id, { state, spawnedAt, lease: leased, lastLeasedAt, releasedAt, pinned: pin !== null, score }];
    }),
  );
  const ids = new Set([...visible, ...trashed.keys(), ...said.keys()]);
  return new Map(
    [...ids].map((id) => {
      const place = visible.has(id) ? 'pool' : trashed.has(id) ? 'trash' : 'gone';
      return [id, { place, deletionBegun: trashed.get(id) ?? false, said: said.get(id) ?? null }];
    }),
  );
}

/** What is to be seen of an instance of the model. */
function toSeen(instance: Instance): Seen {
  const {
    place,
    deletionBegun,
    listed,
    inFlight,
    spawnedAt,
    lease,
    lastLeasedAt,
    releasedAt,
    pinned,
    score,
  } = instance;
  const state = inFlight ? 'in-flight' : 'ready';
  return {
    place,
    deletionBegun,
    said: listed ? { state, spawnedAt, lease, lastLeasedAt, releasedAt, pinned, score } : null,
  };
}

/** Disk and catalog are as the model says, to the letter. */
export function expectAsModelled(seen: ReadonlyMap<string, Seen>, model: Model): void {
  const there = [...model.instances.values()].filter(({ place }) => place !== 'gone');
  const expected = new Map(there.map((instance) => [instance.id, toSeen(instance)]));
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(expected));
}

/**
 * A worker was killed at `at` by its clock: of what it did, each part is done or not done. Takes the model to where things are, and fails on
 * what is neither as before nor as it was to become.
 */
export function resume(
  model: Model,
  before: ReadonlyMap<string, Instance>,
  seen: ReadonlyMap<string, Seen>,
  at: number,
): void {
  const after = model.instances;
  const now = new Map<string, Instance>();
  for (const id of new Set([...before.keys(), ...after.keys(), ...seen.keys()])) {
    const ends = [before.get(id), after.get(id)].filter((end) => end !== undefined);
    const last = ends.at(-1);
    if (!last) throw new Error(`${id}: nobody asked for it`);
    const { place, deletionBegun, said } = seen.get(id) ?? {
      place: 'gone',
      deletionBegun: false,
      said: null,
    };
    if (place === 'gone' && !before.has(id)) continue; // it never came up
    const allowed = new Set(ends.map((end) => end.place));
    if (allowed.has('pool') && allowed.has('gone')) allowed.add('trash'); // the way leads through it
    if (!allowed.has(place))
      throw new Error(`${id}: it is in "${place}", expected ${[...allowed].join(' or ')}`);
    const trashedAt = ends[0]?.place === 'trash' ? ends[0].trashedAt : at;
    const where = { place, deletionBegun, trashedAt, listed: said !== null };
    now.set(id, { ...last, ...where, ...(said ? restOf(id, said, ends) : {}) });
  }
  model.instances = now;
}

/** What the catalog says of it, each as it was or as it was to become. */
function restOf(id: string, { state, ...said }: Said, ends: readonly Instance[]): Partial<Instance> {
  for (const field of ['spawnedAt', 'lease', 'lastLeasedAt', 'releasedAt', 'pinned', 'score'] as const) {
    expect(
      ends.map((end) => end[field]),
      `${field} of ${id}`,
    ).toContainEqual(said[field]);
  }
  const { lease, lastLeasedAt, releasedAt, pinned, score } = said;
  return { lease, lastLeasedAt, releasedAt, pinned, score, inFlight: state === 'in-flight' };
}

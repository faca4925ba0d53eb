import { type InstanceRecord, ownBytes, pinSchema } from '@spica/core';
import type { Redis } from 'ioredis';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';
import { fromFields, readJson, toFields } from './stored.ts';
import type { BeginDelete, CatalogInstance } from './values.ts';

type Instances = Pick<
  Catalog,
  | 'commit'
  | 'settle'
  | 'adopt'
  | 'get'
  | 'getMany'
  | 'ids'
  | 'requestsInFlight'
  | 'list'
  | 'beginDelete'
  | 'endDelete'
>;

/** How many instances one read of the list brings. */
const BATCH = 500;

/** The instances: from a slot of a reservation to their deletion. */
export function createInstances(redis: Redis, keys: Keys, run: Run): Instances {
  return {
    async commit(request, record, growth) {
      const { totals, reservations, instances, inFlight } = keys;
      const places = [
        totals,
        reservations,
        instances,
        inFlight,
        keys.instance(record.id),
        keys.growth,
        keys.ttls,
        keys.due,
      ];
      const { bytes, inodes, endsAt } = growth;
      const facts = [request, record.id, record.spawnedAt ?? 0, bytes, inodes, endsAt, ownNow(record)];
      const args = [...facts, ...toFields(record)];
      return (await run('commit', places, args)) as 'committed' | 'already' | 'no-reservation';
    },

    async settle(request) {
      const inFlight = await redis.hgetall(keys.inFlight);
      const ids = Object.keys(inFlight).filter((id) => inFlight[id] === request);
      const ready = (await run('settle', [keys.inFlight], [request, ...ids])) as string[];
      await run('give_back', [keys.totals, keys.reservations], [request]);
      return ready;
    },

    async adopt(record, growth = { bytes: 0, inodes: 0, endsAt: 0 }) {
      const { instances, ttls, due, totals } = keys;
      const places = [instances, keys.instance(record.id), ttls, due, totals, keys.growth];
      const { bytes, inodes, endsAt } = growth;
      const facts = [record.id, record.spawnedAt ?? 0, bytes, inodes, endsAt, ownNow(record)];
      return (await run('adopt', places, [...facts, ...toFields(record)])) === 1;
    },

    async get(id) {
      const [instance] = await readMany(redis, keys, [id]);
      return instance ?? null;
    },

    getMany: (ids) => readMany(redis, keys, ids),

    ids: () => redis.zrange(keys.instances, '0', '-1'),

    async requestsInFlight() {
      return [...new Set(await redis.hvals(keys.inFlight))];
    },

    list: () => listInstances(redis, keys),

    async beginDelete(id, { request, now }) {
      const places = [keys.inFlight, keys.instance(id), keys.reconciled];
      const reply = (await run('begin_delete', places, [id, request ?? '', now])) as string[];
      return readBeginDelete(keys.instance(id), reply);
    },

    async endDelete(id, outcome) {
      const { instances, inFlight, totals, growth, dirty, ttls, due } = keys;
      const places = [instances, inFlight, keys.instance(id), totals, growth, dirty, ttls, due];
      await run('end_delete', places, [id, outcome]);
    },
  };
}

/** Bytes that an instance takes by itself: as last measured, or as cloned. */
function ownNow(record: InstanceRecord): number {
  return ownBytes(record) ?? record.cloned?.bytes ?? 0;
}

function readBeginDelete(key: string, [outcome, first = '', second = '']: string[]): BeginDelete {
  switch (outcome) {
    case 'in-flight':
      return { outcome, request: first };
    case 'pinned':
      return { outcome, pin: readJson(pinSchema, key, first) };
    case 'leased':
      return { outcome, owner: first, expiresAt: Number(second) };
    case 'grace':
      return { outcome, until: Number(first) };
    default:
      return { outcome: outcome as 'begun' | 'absent' | 'deleting' | 'unreconciled' };
  }
}

/** Page by page, in order of age: who stops early has not read them all. */
async function* listInstances(redis: Redis, keys: Keys): AsyncIterable<CatalogInstance> {
  let from = '-inf';
  let seenThere = 0;
  for (;;) {
    const page = await redis.zrange(
      keys.instances,
      from,
      '+inf',
      'BYSCORE',
      'LIMIT',
      seenThere,
      BATCH,
      'WITHSCORES',
    );
    const ids = page.filter((_, i) => i % 2 === 0);
    const scores = page.filter((_, i) => i % 2 === 1);
    const last = scores.at(-1);
    if (last === undefined) return;
    const withLast = scores.filter((score) => score === last).length;
    seenThere = last === from ? seenThere + withLast : withLast;
    from = last;
    yield* await readMany(redis, keys, ids);
    if (ids.length < BATCH) return;
  }
}

async function readMany(redis: Redis, keys: Keys, ids: readonly string[]): Promise<CatalogInstance[]> {
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hgetall(keys.instance(id)).hget(keys.inFlight, id);
  const replies = (await pipeline.exec()) ?? [];
  return ids.flatMap((id, i) => {
    const [failed, fields] = replies[2 * i] ?? [];
    const [unknown, inFlightFor] = replies[2 * i + 1] ?? [];
    if (failed ?? unknown) throw failed ?? unknown;
    const stored = (fields ?? {}) as Record<string, string>;
    const request = (inFlightFor ?? null) as string | null;
    if (Object.keys(stored).length === 0) return [];
    const state = stored['deleting'] ? 'deleting' : request ? 'in-flight' : 'ready';
    return [{ record: fromFields(keys.instance(id), stored), state, request }];
  });
}

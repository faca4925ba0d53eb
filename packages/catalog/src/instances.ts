import { type InstanceRecord, pinSchema } from '@spica/core';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';
import { fromFields, readJson, toFields } from './stored.ts';
import type { BeginDelete, CatalogInstance } from './values.ts';

/** On whose behalf an instance is deleted. */
export interface DeletionBy {
  /** Owner of the mark: only whoever names it again may go on with the deletion, or take the mark back. */
  readonly owner: string;
  /** One in flight goes only on behalf of its own request, whatever its lease says. */
  readonly request?: string;
  /** Epoch milliseconds, by which leases are judged. */
  readonly now: number;
  /** The changes of leases and pins that the caller knows of: a Redis that knows of fewer has stepped back. */
  readonly changesSeen: number;
}

/** Instances that changed. */
export interface Touched {
  readonly cursor: string;
  readonly ids: readonly string[] | null;
  readonly count: number;
}

/** The instances of a pool: from when they come up to when they are gone. */
export interface Instances {
  /** An instance of a request has come up, and is in flight until the request completes. */
  commit(
    of: { readonly request: string; readonly life: string },
    record: InstanceRecord,
  ): Promise<'committed' | 'already' | 'cancelled'>;
  /** Takes in an instance that is there; false when it is known. */
  adopt(record: InstanceRecord): Promise<boolean>;
  get(id: string): Promise<CatalogInstance | null>;
  /** Those of them that there are, in their order. */
  getMany(ids: readonly string[]): Promise<CatalogInstance[]>;
  /** Those of these ids of which there is no instance. Reads no instance. */
  unlisted(ids: readonly string[]): Promise<string[]>;
  /** How many there are. */
  count(): Promise<number>;
  /**
   * Which instances came up, changed or went since `cursor`, which is where the last answer said that it ends. `ids` is null
   * where that is not known (any more) and all have to be read: without a cursor, after too many changes, or after Redis was
   * lost or has stepped back. `count`: how many instances there were at that moment.
   */
  touchedSince(cursor: string | null): Promise<Touched>;
  /** Instances in flight, each with its request. Reads no instance. */
  inFlight(): Promise<ReadonlyMap<string, string>>;
  /**
   * Oldest first, read in batches; one that goes meanwhile may be missing.
   *
   * @param part `from`: none that was spawned before (epoch milliseconds). `batch`: how many are read at a time.
   */
  list(part?: { readonly from?: number; readonly batch?: number }): AsyncIterable<CatalogInstance>;
  /** Marks an instance for deletion, unless something protects it; excludes `lease`. */
  beginDelete(id: string, by: DeletionBy): Promise<BeginDelete>;
  /**
   * Frees the slot (`gone`), or takes the mark back (`kept`). False, with nothing changed, where the mark is not
   * `owner`'s; null for whoever has it.
   */
  endDelete(id: string, outcome: 'gone' | 'kept', owner: string | null): Promise<boolean>;
  /** Whether there is an instance that may go before its turn: with a life of its own, or discarded. */
  hasEarly(): Promise<boolean>;
  /** Ids of those whose results could not be collected when that was last tried. */
  uncollected(): Promise<string[]>;
  /** Those that are larger than `max_instance_gb`, or at their cap; by id. */
  oversize(): Promise<CatalogInstance[]>;
}

/** Ids that one read of the list brings. */
const PAGE = 1_000;
/** Instances that one read brings: few enough to be garbage before V8 takes them for old, which it collects late. */
const BATCH = 20;
/** Where more have changed, to read them all is as good. Fewer than the stream keeps, so that what it has lost is noticed. */
const MOST_TOUCHED = 5_000;

export function createInstances(redis: Redis, keys: Keys, run: Run): Instances {
  return {
    async commit({ request, life }, record) {
      const facts = [request, life, record.id, record.spawnedAt ?? 0];
      return (await run('commit', [...facts, ...toFields(record)])) as 'committed' | 'already' | 'cancelled';
    },
    async adopt(record) {
      return (await run('adopt', [record.id, record.spawnedAt ?? 0, ...toFields(record)])) === 1;
    },
    async get(id) {
      const [instance] = await readMany(redis, keys, [id]);
      return instance ?? null;
    },
    getMany: (ids) => readMany(redis, keys, ids),
    async unlisted(ids) {
      if (ids.length === 0) return [];
      const places = await redis.zmscore(keys.instances, ...ids);
      return ids.filter((_, i) => places[i] === null);
    },
    count: () => redis.zcard(keys.instances),
    touchedSince: (cursor) => touchedSince(redis, keys, cursor),
    async inFlight() {
      return new Map(Object.entries(await redis.hgetall(keys.inFlight)));
    },
    list: ({ from, batch = BATCH } = {}) =>
      listInstances(redis, keys, { from: from === undefined ? '-inf' : String(from), batch }),
    async beginDelete(id, { owner, request, now, changesSeen }) {
      const reply = (await run('begin_delete', [id, owner, request ?? '', now, changesSeen])) as string[];
      return readBeginDelete(keys.instance(id), reply);
    },
    async endDelete(id, outcome, owner) {
      return (await run('end_delete', [id, outcome, owner ?? ''])) === 1;
    },
    async hasEarly() {
      return (await redis.scard(keys.early)) > 0;
    },
    uncollected: () => redis.smembers(keys.uncollected),
    oversize: async () => readMany(redis, keys, (await redis.smembers(keys.oversize)).sort()),
  };
}

/** Before the first change. */
const FROM_THE_START = '0';

async function touchedSince(redis: Redis, keys: Keys, cursor: string | null): Promise<Touched> {
  if (cursor === null) return touchedUnknown(redis, keys);
  const from = cursor === FROM_THE_START ? '-' : cursor;
  const [read, counted] =
    (await redis
      .multi()
      .xrange(keys.touched, from, '+', 'COUNT', MOST_TOUCHED + 1)
      .zcard(keys.instances)
      .exec()) ?? [];
  if (read?.[0]) throw read[0];
  if (counted?.[0]) throw counted[0];
  const entries = read?.[1] as [id: string, fields: string[]][];
  // The one that was seen last must be there still: else the stream is another, or what followed it is cut off.
  const isKnown = cursor === FROM_THE_START || entries[0]?.[0] === cursor;
  if (!isKnown || entries.length > MOST_TOUCHED) return touchedUnknown(redis, keys);
  const news = cursor === FROM_THE_START ? entries : entries.slice(1);
  const ids = [...new Set(news.map(([, fields]) => fields[1] ?? ''))];
  return { cursor: entries.at(-1)?.[0] ?? cursor, ids, count: counted?.[1] as number };
}

async function touchedUnknown(redis: Redis, keys: Keys): Promise<Touched> {
  const [[newest], count] = await Promise.all([
    redis.xrevrange(keys.touched, '+', '-', 'COUNT', 1),
    redis.zcard(keys.instances),
  ]);
  return { cursor: newest?.[0] ?? FROM_THE_START, ids: null, count };
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
      return { outcome: outcome as 'begun' | 'absent' | 'deleting' | 'unreconciled' | 'rolled-back' };
  }
}

/** Page by page, in order of age: who stops early has not read them all. */
async function* listInstances(
  redis: Redis,
  keys: Keys,
  { from: start, batch }: { readonly from: string; readonly batch: number },
): AsyncIterable<CatalogInstance> {
  let from = start;
  let seenThere = 0;
  for (;;) {
    const page = await redis.zrange(
      keys.instances,
      from,
      '+inf',
      'BYSCORE',
      'LIMIT',
      seenThere,
      PAGE,
      'WITHSCORES',
    );
    const ids = page.filter((_, i) => i % 2 === 0);
    const scores = page.filter((_, i) => i % 2 === 1);
    const last = scores.at(-1);
    if (last === undefined) return;
    const withLast = scores.filter((score) => score === last).length;
    seenThere = last === from ? seenThere + withLast : withLast;
    from = last;
    for (let start = 0; start < ids.length; start += batch)
      yield* await readMany(redis, keys, ids.slice(start, start + batch));
    if (ids.length < PAGE) return;
  }
}

async function readMany(redis: Redis, keys: Keys, ids: readonly string[]): Promise<CatalogInstance[]> {
  if (ids.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hgetall(keys.instance(id));
  pipeline.hmget(keys.inFlight, ...ids);
  const replies = (await pipeline.exec()) ?? [];
  for (const [failed] of replies) if (failed) throw failed;
  const requests = replies.at(-1)?.[1] as (string | null)[];
  return ids.flatMap((id, i) => {
    const stored = (replies[i]?.[1] ?? {}) as Record<string, string>;
    if (Object.keys(stored).length === 0) return [];
    const request = requests[i] ?? null;
    const state = stored['deleting'] ? 'deleting' : request ? 'in-flight' : 'ready';
    return [{ ...fromFields(keys.instance(id), stored), state, request }];
  });
}

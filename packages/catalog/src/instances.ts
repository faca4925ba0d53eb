import type { Redis } from 'ioredis';
import type { Catalog, CatalogInstance } from './catalog.ts';
import type { keysOf } from './keys.ts';
import type { defineOperations } from './ops.ts';
import { readRecord } from './stored.ts';

type Keys = ReturnType<typeof keysOf>;
type Run = ReturnType<typeof defineOperations>;
type Instances = Pick<Catalog, 'commit' | 'settle' | 'adopt' | 'get' | 'list' | 'beginDelete' | 'endDelete'>;

/** How many instances one read of the list brings. */
const BATCH = 500;

/** The instances: from a slot of a reservation to their deletion. */
export function createInstances(redis: Redis, keys: Keys, run: Run): Instances {
  return {
    async commit(request, record) {
      const places = [
        keys.totals,
        keys.reservations,
        keys.instances,
        keys.inFlight,
        keys.instance(record.id),
      ];
      const args = [request, record.id, JSON.stringify(record), record.spawnedAt ?? 0];
      return (await run('commit', places, args)) as 'committed' | 'already' | 'no-reservation';
    },

    async settle(request) {
      const inFlight = await redis.hgetall(keys.inFlight);
      const ids = Object.keys(inFlight).filter((id) => inFlight[id] === request);
      const ready = (await run('settle', [keys.inFlight], [request, ...ids])) as string[];
      await run('give_back', [keys.totals, keys.reservations], [request]);
      return ready;
    },

    async adopt(record) {
      const args = [record.id, JSON.stringify(record), record.spawnedAt ?? 0];
      return (await run('adopt', [keys.instances, keys.instance(record.id)], args)) === 1;
    },

    async get(id) {
      const [instance] = await readMany(redis, keys, [id]);
      return instance ?? null;
    },

    async *list() {
      const ids = await redis.zrange(keys.instances, '0', '-1');
      for (let start = 0; start < ids.length; start += BATCH) {
        yield* await readMany(redis, keys, ids.slice(start, start + BATCH));
      }
    },

    async beginDelete(id, { request }) {
      const outcome = await run('begin_delete', [keys.inFlight, keys.instance(id)], [id, request ?? '']);
      return outcome as 'begun' | 'absent' | 'in-flight' | 'deleting';
    },

    async endDelete(id, outcome) {
      await run('end_delete', [keys.instances, keys.inFlight, keys.instance(id)], [id, outcome]);
    },
  };
}

async function readMany(redis: Redis, keys: Keys, ids: readonly string[]): Promise<CatalogInstance[]> {
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hmget(keys.instance(id), 'record', 'deleting').hget(keys.inFlight, id);
  const replies = (await pipeline.exec()) ?? [];
  return ids.flatMap((id, i) => {
    const [failed, fields] = replies[2 * i] ?? [];
    if (failed) throw failed;
    const [record, deleting] = (fields ?? []) as (string | null)[];
    const request = (replies[2 * i + 1]?.[1] ?? null) as string | null;
    if (!record) return [];
    const state = deleting ? 'deleting' : request ? 'in-flight' : 'ready';
    return [{ record: readRecord(keys.instance(id), record), state, request }];
  });
}

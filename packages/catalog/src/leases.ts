import { createHash, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';

type Leases = Pick<
  Catalog,
  'lease' | 'releaseLease' | 'mark' | 'takeDirty' | 'putBackDirty' | 'onChange' | 'announce'
>;

/** A new lease's token: 128 random bits. Only its hash is kept. */
export function newLeaseToken(): string {
  return randomBytes(16).toString('hex');
}

export function hashLeaseToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** Who uses an instance, and what people said of it. Each change is told to the worker, which keeps it on disk too. */
export function createLeases(redis: Redis, keys: Keys, run: Run): Leases {
  return {
    async lease(id, { owner, token, expiresAt, now, force = false }) {
      const args = [id, now, owner, hashLeaseToken(token), expiresAt, force ? '1' : '', keys.changed];
      const reply = (await run('lease', [keys.instance(id), keys.growth, keys.dirty], args)) as string[];
      const [outcome, holder = '', until = ''] = reply;
      if (outcome === 'leased') return { outcome, owner: holder, expiresAt: Number(until) };
      return { outcome: outcome as 'granted' | 'renewed' | 'absent' | 'deleting' | 'oversize' };
    },

    async releaseLease(id, { token, now, force = false }) {
      const args = [id, now, token === null ? '' : hashLeaseToken(token), force ? '1' : '', keys.changed];
      const places = [keys.instance(id), keys.totals, keys.growth, keys.dirty];
      const [outcome, holder = '', until = ''] = (await run('release', places, args)) as string[];
      if (outcome === 'leased') return { outcome, owner: holder, expiresAt: Number(until) };
      return { outcome: outcome as 'released' | 'absent' | 'none' };
    },

    async mark(id, mark) {
      const [field, value] = toField(mark);
      const reply = await run(
        'mark',
        [keys.instance(id), keys.dirty, keys.ttls],
        [id, field, value, keys.changed],
      );
      return reply as 'marked' | 'absent' | 'deleting';
    },

    takeDirty: (most) => redis.spop(keys.dirty, most),

    async putBackDirty(ids) {
      if (ids.length > 0) await redis.sadd(keys.dirty, ...ids);
    },

    async onChange(listener) {
      const connection = redis.duplicate({ maxRetriesPerRequest: null });
      connection.on('error', () => undefined); // it comes back by itself; the worker looks at times, too
      connection.on('message', (_channel: string, what: string) => listener(what));
      await connection.subscribe(keys.changed);
      return async () => connection.disconnect();
    },

    async announce(what) {
      await redis.publish(keys.changed, what);
    },
  };
}

function toField(mark: Parameters<Catalog['mark']>[1]): [field: string, value: string] {
  if ('pin' in mark) return ['pin', mark.pin ? JSON.stringify(mark.pin) : ''];
  if ('score' in mark) return ['score', mark.score === null ? '' : String(mark.score)];
  if ('oversize' in mark) return ['oversize', mark.oversize ?? ''];
  return ['ttl', mark.ttlMs === null ? '' : String(mark.ttlMs)];
}

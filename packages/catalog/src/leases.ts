import { createHash, randomBytes } from 'node:crypto';
import type { Collected, Failure, InstanceRecord, Oversize, Pin } from '@spica/core';
import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';

/** What `mark` sets, or with null removes. */
export type Mark =
  | { readonly pin: Pin | null }
  | { readonly score: number | null }
  | { readonly ttlMs: number | null }
  | { readonly oversize: Oversize }
  | { readonly failure: Failure | null }
  | { readonly collect: readonly string[] | null }
  | { readonly collected: Collected | null }
  | { readonly collectFailure: Failure | null }
  | { readonly unsaved: string | null };

/** What keeps an instance, of what its record says. */
export type Protection = Pick<InstanceRecord, 'lease' | 'pin' | 'releasedAt'>;

/** A change that another process made: of which kind, and of what (an instance, or a request). */
export interface Change {
  readonly kind: string;
  readonly of: string;
}

/** Who uses an instance, and what people said of it. The worker hears of each change, and keeps it on the disk too. */
export interface Leases {
  /**
   * Grants a lease, or renews it for whoever has its token; excludes `beginDelete`. `force` takes it whoever holds it.
   * `oversize`: the instance is too large, and by `on_oversize` its lease is not renewed. Times are epoch milliseconds.
   */
  lease(
    id: string,
    lease: { owner: string; token: string; expiresAt: number; now: number; force?: boolean },
  ): Promise<
    | { outcome: 'granted' | 'renewed' | 'absent' | 'deleting' | 'oversize' }
    | { outcome: 'leased'; owner: string; expiresAt: number }
  >;
  /**
   * Ends a lease, and with it what was expected of the instance. `discard`: nobody needs the instance any more, so that it
   * goes before all others that may go; one without a lease in force anybody may discard.
   */
  releaseLease(
    id: string,
    by: { token: string | null; now: number; force?: boolean; discard?: boolean },
  ): Promise<
    | { outcome: 'released' | 'discarded' | 'absent' | 'none' }
    | { outcome: 'leased'; owner: string; expiresAt: number }
  >;
  /**
   * Sets, or with null removes, a pin, a score, a life of its own, the flag of being oversize, why it could not be
   * deleted, what is to be collected of it, when that was done, or why it could not be.
   */
  mark(id: string, mark: Mark): Promise<'marked' | 'absent' | 'deleting'>;
  /**
   * Gives an instance back a lease, a pin or the end of its use, as they were; null for none. For a Redis that has lost
   * what it had acknowledged: whatever it says else is left.
   */
  protect(id: string, by: Protection): Promise<void>;
  /** Takes at most so many ids whose record on disk is older than the catalog. */
  takeDirty(most: number): Promise<string[]>;
  /** Those that were taken, and could not be written. */
  putBackDirty(ids: readonly string[]): Promise<void>;
  /** Calls back when another process changed something. Resolves with how to end that. */
  onChange(listener: (change: Change) => void): Promise<() => Promise<void>>;
}

/** A new lease's token: 128 random bits. Only its hash is kept. */
export function newLeaseToken(): string {
  return randomBytes(16).toString('hex');
}

export function hashLeaseToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function createLeases(redis: Redis, keys: Keys, run: Run): Leases {
  return {
    async lease(id, { owner, token, expiresAt, now, force = false }) {
      const args = [id, now, owner, hashLeaseToken(token), expiresAt, force ? '1' : ''];
      const [outcome, holder = '', until = ''] = (await run('lease', args)) as string[];
      if (outcome === 'leased') return { outcome, owner: holder, expiresAt: Number(until) };
      return { outcome: outcome as 'granted' | 'renewed' | 'absent' | 'deleting' | 'oversize' };
    },

    async releaseLease(id, { token, now, force = false, discard = false }) {
      const hash = token === null ? '' : hashLeaseToken(token);
      const args = [id, now, hash, force ? '1' : '', discard ? '1' : ''];
      const [outcome, holder = '', until = ''] = (await run('release_lease', args)) as string[];
      if (outcome === 'leased') return { outcome, owner: holder, expiresAt: Number(until) };
      return { outcome: outcome as 'released' | 'discarded' | 'absent' | 'none' };
    },

    async mark(id, mark) {
      return (await run('mark', [id, ...toField(mark)])) as 'marked' | 'absent' | 'deleting';
    },

    async protect(id, { lease, pin, releasedAt }) {
      const fields = {
        ...(releasedAt === null ? {} : { releasedAt }),
        ...(pin ? { pin: JSON.stringify(pin) } : {}),
        ...(lease
          ? { leaseOwner: lease.owner, leaseHash: lease.tokenHash, leaseUntil: lease.expiresAt }
          : {}),
      };
      if (Object.keys(fields).length === 0) return;
      const touch = ['MAXLEN', '~', 20_000, '*', 'id', id] as const;
      const replies = await redis
        .multi()
        .hset(keys.instance(id), fields)
        .xadd(keys.touched, ...touch)
        .exec();
      for (const [failed] of replies ?? []) if (failed) throw failed;
    },

    takeDirty: (most) => redis.spop(keys.dirty, most),

    async putBackDirty(ids) {
      if (ids.length > 0) await redis.sadd(keys.dirty, ...ids);
    },

    async onChange(listener) {
      const connection = redis.duplicate({ maxRetriesPerRequest: null });
      connection.on('error', () => undefined); // it comes back by itself; the worker looks at times, too
      connection.on('message', (_channel: string, message: string) => {
        const [kind = '', of = ''] = message.split(' ');
        listener({ kind, of });
      });
      await connection.subscribe(keys.changed);
      return async () => connection.disconnect();
    },
  };
}

function toField(mark: Mark): [field: string, value: string] {
  if ('score' in mark) return ['score', mark.score === null ? '' : String(mark.score)];
  if ('oversize' in mark) return ['oversize', mark.oversize ?? ''];
  if ('ttlMs' in mark) return ['ttl', mark.ttlMs === null ? '' : String(mark.ttlMs)];
  if ('unsaved' in mark) return ['unsaved', mark.unsaved ?? ''];
  const [[field, value] = ['', null]] = Object.entries(mark);
  return [field, value === null ? '' : JSON.stringify(value)];
}

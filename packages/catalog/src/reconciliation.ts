import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';
import { type Identity, identitySchema, readHash, reconciledSchema } from './stored.ts';

/** Whose catalog it is, and whether it can be relied on. */
export interface Reconciliation {
  /** The pool's id, clone method and root, as the last worker found them; null before the first. */
  identity(): Promise<Identity | null>;
  identify(identity: Identity): Promise<void>;
  /** Forgets the pool's id, so that another root may be served under its name. */
  forgetIdentity(): Promise<void>;
  /** Null as long as nobody has compared the disk with the catalog since the catalog was empty. */
  reconciled(): Promise<{ at: number; graceUntil: number } | null>;
  /** The disk was compared at `at`; nothing is deleted before `graceUntil`. */
  markReconciled(reconciled: { at: number; graceUntil: number }): Promise<void>;
  /** How many changes of leases, pins and the like Redis knows of: it only grows, unless Redis has lost some. */
  changes(): Promise<number>;
  /** Has the count go on from `least`, if it is lower. */
  raiseChanges(least: number): Promise<void>;
}

export function createReconciliation(redis: Redis, keys: Keys): Reconciliation {
  const changes = async () => Number((await redis.get(keys.changes)) ?? 0);
  return {
    async identity() {
      const stored = await redis.hgetall(keys.identity);
      return Object.keys(stored).length === 0 ? null : readHash(identitySchema, keys.identity, stored);
    },
    async identify(identity) {
      await redis.hset(keys.identity, identity);
    },
    async forgetIdentity() {
      await redis.del(keys.identity);
    },
    async reconciled() {
      const stored = await redis.hgetall(keys.reconciled);
      return Object.keys(stored).length === 0 ? null : readHash(reconciledSchema, keys.reconciled, stored);
    },
    async markReconciled(reconciled) {
      await redis.hset(keys.reconciled, reconciled);
    },
    changes,
    async raiseChanges(least) {
      const missing = least - (await changes());
      if (missing > 0) await redis.incrby(keys.changes, missing);
    },
  };
}

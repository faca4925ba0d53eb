import type { Amount, CloneMethod, InstanceRecord, Sample } from '@spica/core';
import type { Redis } from 'ioredis';
import { createHolding } from './holding.ts';
import { createInstances } from './instances.ts';
import { keysOf } from './keys.ts';
import { createLedger } from './ledger.ts';
import { defineOperations } from './ops.ts';
import { createSizes } from './sizes.ts';
import { identitySchema } from './stored.ts';

/** What is promised, what is there, and what was ever taken out of the promises. */
export interface Ledger {
  readonly reserved: Amount;
  /** Instances in the catalog, in flight or ready. */
  readonly instances: number;
  /** Running totals. Read before the disk is measured, they tell `reserve` what landed in between. */
  readonly settled: { readonly bytes: number; readonly inodes: number };
}

export interface ReservationRequest {
  readonly request: string;
  /** The prepared snapshot that must stay for it. */
  readonly fingerprint: string;
  readonly perInstance: { readonly bytes: number; readonly inodes: number };
  readonly count: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The most that all promises together may reach; `slots` with the instances that are there. */
export interface Bounds {
  readonly bytes: number;
  readonly inodes: number | null;
  readonly slots: number;
}

export interface Reservation extends Amount {
  readonly request: string;
  readonly fingerprint: string;
  readonly at: number;
}

export interface CatalogInstance {
  readonly record: InstanceRecord;
  readonly state: 'in-flight' | 'ready' | 'deleting';
  /** The request that has not ended yet, of one in flight. */
  readonly request: string | null;
}

export interface HeldRequest {
  readonly request: string;
  readonly heldAt: number;
  readonly reason: string;
  readonly count: number;
}

/** The Redis index of one pool. The disk is the truth; this can be rebuilt from it. */
export interface Catalog {
  /** The pool's id and clone method, as the last worker found them; null before the first. */
  identity(): Promise<{ id: string; method: CloneMethod } | null>;
  identify(identity: { id: string; method: CloneMethod }): Promise<void>;
  /** Forgets the pool's id, so that another root may be served under its name. */
  forgetIdentity(): Promise<void>;
  ledger(): Promise<Ledger>;
  /**
   * Promises a request what it needs, if all promises together stay within the bounds; atomic, and once per request.
   * `seen` is the ledger's `settled` from before the disk was measured.
   */
  reserve(
    reservation: ReservationRequest,
    bounds: Bounds,
    seen: Ledger['settled'],
  ): Promise<{ reserved: true } | { reserved: false; short: ('bytes' | 'inodes' | 'slots')[] }>;
  hasReservation(request: string): Promise<boolean>;
  reservations(): Promise<Reservation[]>;
  /** One slot of the reservation becomes an instance in flight. */
  commit(request: string, record: InstanceRecord): Promise<'committed' | 'already' | 'no-reservation'>;
  /** The request's instances in flight become ready, and the rest of its reservation is given back. */
  settle(request: string): Promise<string[]>;
  /** Gives back what is left of the reservation; false when there was none. */
  giveBack(request: string): Promise<boolean>;
  /** Takes in an instance that no reservation stood for; false when it is known. */
  adopt(record: InstanceRecord): Promise<boolean>;
  get(id: string): Promise<CatalogInstance | null>;
  /** Oldest first, read in batches; one that goes meanwhile may be missing. */
  list(): AsyncIterable<CatalogInstance>;
  /**
   * Claims an instance for deletion. `in-flight`: only its own request may. `deleting`: begun before, go on with it.
   */
  beginDelete(id: string, by: { request?: string }): Promise<'begun' | 'absent' | 'in-flight' | 'deleting'>;
  /** Frees the slot (`gone`), or takes the claim back (`kept`). */
  endDelete(id: string, outcome: 'gone' | 'kept'): Promise<void>;
  /** Keeps the sample with the instance and among the template's newest sizes; false when the id is not known. */
  recordSample(id: string, template: string, sample: Sample, ownBytes: number): Promise<boolean>;
  /** The 95th percentile of a template's newest sizes; null without any. */
  sizeOf(template: string): Promise<{ n: number; bytes: number; inodes: number } | null>;
  hold(request: string, why: { at: number; reason: string; count: number }): Promise<void>;
  /** It is held no longer. */
  release(request: string): Promise<void>;
  /** Who is held, longest first. */
  held(): Promise<HeldRequest[]>;
}

/** Opens a pool's catalog on a connection, which stays the caller's. */
export function createCatalog({ redis, pool }: { redis: Redis; pool: string }): Catalog {
  const keys = keysOf(pool);
  const run = defineOperations(redis);
  return {
    async identity() {
      const stored = await redis.hgetall(keys.identity);
      return Object.keys(stored).length === 0 ? null : identitySchema.parse(stored);
    },
    async identify(identity) {
      await redis.hset(keys.identity, identity);
    },
    async forgetIdentity() {
      await redis.del(keys.identity);
    },
    ...createLedger(redis, keys, run),
    ...createInstances(redis, keys, run),
    ...createSizes(redis, keys, run),
    ...createHolding(redis, keys),
  };
}

import type {
  CloneMethod,
  DiskPoint,
  Finished,
  InstanceRecord,
  Oversize,
  Pin,
  Profile,
  Sample,
  SealedPlan,
} from '@spica/core';
import type { Redis } from 'ioredis';
import { createClockState } from './clock.ts';
import { createGateState, type GateState } from './gate-state.ts';
import { createHolding } from './holding.ts';
import { createInstances } from './instances.ts';
import { keysOf } from './keys.ts';
import { createLeases } from './leases.ts';
import { createLedger } from './ledger.ts';
import { defineOperations } from './ops.ts';
import { createPlans } from './plans.ts';
import { createSizes } from './sizes.ts';
import { identitySchema, readHash, reconciledSchema } from './stored.ts';
import { createTombstones } from './tombstones.ts';
import type {
  BeginDelete,
  Bounds,
  CatalogInstance,
  ClockState,
  Growth,
  HeldRequest,
  Ledger,
  LeftNote,
  Note,
  Pressure,
  Reservation,
  ReservationRequest,
  Suspension,
  Tombstone,
} from './values.ts';

/** The Redis index of one pool. The disk is the truth; this can be rebuilt from it. */
export interface Catalog {
  /** The pool's id and clone method, as the last worker found them; null before the first. */
  identity(): Promise<{ id: string; method: CloneMethod } | null>;
  identify(identity: { id: string; method: CloneMethod }): Promise<void>;
  /** Forgets the pool's id, so that another root may be served under its name. */
  forgetIdentity(): Promise<void>;
  /** Null as long as nobody has compared the disk with the catalog since the catalog was empty. */
  reconciled(): Promise<{ at: number; graceUntil: number } | null>;
  /** The disk was compared at `at`; nothing is deleted before `graceUntil`. */
  markReconciled(reconciled: { at: number; graceUntil: number }): Promise<void>;
  /** The sums as they are at `now`; growth whose time has come has ended. */
  ledger(now: number): Promise<Ledger>;
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
  commit(
    request: string,
    record: InstanceRecord,
    growth: Growth,
  ): Promise<'committed' | 'already' | 'no-reservation'>;
  /** The request's instances in flight become ready, and the rest of its reservation is given back. */
  settle(request: string): Promise<string[]>;
  /** Gives back what is left of the reservation; false when there was none. */
  giveBack(request: string): Promise<boolean>;
  /**
   * Takes in an instance that no reservation stood for, and what it is still expected to add (nothing where it is not
   * said); false when it is known.
   */
  adopt(record: InstanceRecord, growth?: Growth): Promise<boolean>;
  get(id: string): Promise<CatalogInstance | null>;
  /** Those of them that there are, in their order. */
  getMany(ids: readonly string[]): Promise<CatalogInstance[]>;
  /** Of all instances, oldest first. Reads no instance. */
  ids(): Promise<string[]>;
  /** The requests of instances in flight. Reads no instance. */
  requestsInFlight(): Promise<string[]>;
  /** Oldest first, read in batches; one that goes meanwhile may be missing. */
  list(): AsyncIterable<CatalogInstance>;
  /**
   * Claims an instance for deletion, unless something protects it at `now`; excludes `lease`. One in flight goes only on
   * behalf of its own request, whatever its lease says.
   */
  beginDelete(id: string, by: { request?: string; now: number }): Promise<BeginDelete>;
  /** Frees the slot (`gone`), or takes the claim back (`kept`). */
  endDelete(id: string, outcome: 'gone' | 'kept'): Promise<void>;
  /**
   * Grants a lease, or renews it for whoever has its token; excludes `beginDelete`. `force` takes it whoever holds it.
   * `oversize`: the instance is too large, and by `on_oversize` its lease is not renewed.
   */
  lease(
    id: string,
    lease: { owner: string; token: string; expiresAt: number; now: number; force?: boolean },
  ): Promise<
    | { outcome: 'granted' | 'renewed' | 'absent' | 'deleting' | 'oversize' }
    | { outcome: 'leased'; owner: string; expiresAt: number }
  >;
  /** Ends a lease, and with it what was expected of the instance. */
  releaseLease(
    id: string,
    by: { token: string | null; now: number; force?: boolean },
  ): Promise<
    { outcome: 'released' | 'absent' | 'none' } | { outcome: 'leased'; owner: string; expiresAt: number }
  >;
  /** Sets, or with null removes, a pin, a score, a life of its own, or the flag of being oversize. */
  mark(
    id: string,
    mark: { pin: Pin | null } | { score: number | null } | { ttlMs: number | null } | { oversize: Oversize },
  ): Promise<'marked' | 'absent' | 'deleting'>;
  /** Takes at most so many ids whose record on disk is older than the catalog. */
  takeDirty(most: number): Promise<string[]>;
  /** Those that were taken, and could not be written. */
  putBackDirty(ids: readonly string[]): Promise<void>;
  /** Calls back when a lease, pin or the like changed (with the instance's id), or what `announce` said. */
  onChange(listener: (what: string) => void): Promise<() => Promise<void>>;
  announce(what: string): Promise<void>;
  /**
   * Keeps an instance's newest sample, what it is still expected to add, and when it is due again. `seen` is the record
   * that the growth was computed from: `changed` when it was leased or released since, and nothing is kept.
   */
  recordSample(
    id: string,
    sample: Sample,
    next: { growth: Growth; dueAt: number; seen: Pick<InstanceRecord, 'lease' | 'lastLeasedAt'> },
  ): Promise<'kept' | 'absent' | 'changed'>;
  /** Ids of instances that are to be measured at `now`, longest overdue first. Reads no instance. */
  listDue(now: number, most: number): Promise<string[]>;
  /** Keeps what an instance became among the newest of `template:…`, `experiment:…` or `replica:…`. */
  recordFinished(of: string, id: string, finished: Finished): Promise<void>;
  /** Has what was kept speak anew: call it after `recordFinished`. */
  refreshProfile(of: string): Promise<void>;
  /** What the newest finished instances say; null without any. */
  profileOf(of: string): Promise<Profile | null>;
  /** Null before the gate has kept any. */
  gateState(): Promise<GateState | null>;
  saveGateState(state: GateState): Promise<void>;
  /** Oldest first. */
  diskHistory(): Promise<DiskPoint[]>;
  saveDiskHistory(history: readonly DiskPoint[]): Promise<void>;
  pressure(): Promise<Pressure | null>;
  savePressure(pressure: Pressure): Promise<void>;
  hold(
    request: string,
    why: { at: number; submittedAt: number; reason: string; count: number },
  ): Promise<void>;
  /** It is held no longer. */
  release(request: string): Promise<void>;
  /** Remembers for 30 days an instance that vanished from the disk. */
  bury(tombstone: Tombstone): Promise<void>;
  tombstone(id: string): Promise<Tombstone | null>;
  /** Leaves an audit entry for the worker, which writes the log. */
  leaveNote(note: Note): Promise<void>;
  /** The oldest notes, at most so many. They stay until they are dropped. */
  readNotes(most: number): Promise<LeftNote[]>;
  /** Forgets the oldest: those that were written. For the one process that serves the pool, one call at a time. */
  dropNotes(count: number): Promise<void>;
  /** Keeps a sealed plan, made at `at`, for whoever wants it carried out. */
  keepPlan(digest: string, plan: SealedPlan, at: number): Promise<void>;
  plan(digest: string): Promise<{ at: number; plan: SealedPlan } | null>;
  /** Whether there is an instance with a life of its own. */
  hasTtls(): Promise<boolean>;
  /** What Redis's clock says, and what is agreed about it. */
  clockState(): Promise<ClockState>;
  /** Says why rules of age are suspended, for whoever looks and for the next start; null when they are in force. */
  suspendAges(suspension: Suspension | null): Promise<void>;
  /** An operator vouches for the host's clock, which is so far ahead of Redis's. */
  confirmClock(offsetMs: number): Promise<void>;
  /** A request is not wanted any more: held, it leaves at once; being spawned, it is undone. */
  cancel(request: string): Promise<void>;
  isCancelled(request: string): Promise<boolean>;
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
    ...createLedger(redis, keys, run),
    ...createInstances(redis, keys, run),
    ...createLeases(redis, keys, run),
    ...createSizes(redis, keys, run),
    ...createHolding(redis, keys),
    ...createClockState(redis, keys),
    ...createGateState(redis, keys),
    ...createPlans(redis, keys),
    ...createTombstones(redis, keys),
    async hasTtls() {
      return (await redis.scard(keys.ttls)) > 0;
    },
  };
}

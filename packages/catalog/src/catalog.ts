import type { Redis } from 'ioredis';
import { type Clocks, createClocks } from './clocks.ts';
import { createDisk, type Disk } from './disk.ts';
import { createGate, type Gate } from './gate.ts';
import { createInstances, type Instances } from './instances.ts';
import { keysOf } from './keys.ts';
import { createLeases, type Leases } from './leases.ts';
import { defineOperations } from './ops.ts';
import { createPlans, type Plans } from './plans.ts';
import { createReconciliation, type Reconciliation } from './reconciliation.ts';
import { createRequests, type Requests } from './requests.ts';
import { createSchedules, type Schedules } from './schedules.ts';
import { createServing, type Serving } from './serving.ts';
import { createSizes, type Sizes } from './sizes.ts';
import { createTold, type Told } from './told.ts';
import { createTombstones, type Tombstones } from './tombstones.ts';
import { createTournaments, type Tournaments } from './tournaments.ts';

/**
 * The Redis index of one pool: what processes other than the one that serves the pool write or read. The disk is the
 * truth; this can be rebuilt from it. What cannot be read throws CheckError CATALOG_CORRUPT that names the key.
 */
export type Catalog = Reconciliation &
  Serving &
  Instances &
  Leases &
  Requests &
  Sizes &
  Gate &
  Disk &
  Schedules &
  Clocks &
  Plans &
  Tombstones &
  Told &
  Tournaments & {
    /** Names the Redis and the pool: catalogs of one place say the same. */
    readonly place: string;
  };

/** Opens a pool's catalog on a connection, which stays the caller's. */
export function createCatalog({ redis, pool }: { redis: Redis; pool: string }): Catalog {
  const keys = keysOf(pool);
  const run = defineOperations(redis, keys.base);
  const reconciliation = createReconciliation(redis, keys);
  const { host, port, path, db } = redis.options;
  return {
    place: JSON.stringify([path ?? [host, port], db ?? 0, pool]),
    ...reconciliation,
    ...createServing(redis, { keys, run, identity: reconciliation.identity }),
    ...createInstances(redis, keys, run),
    ...createLeases(redis, keys, run),
    ...createRequests(redis, keys, run),
    ...createSizes(redis, keys, run),
    ...createGate(redis, keys),
    ...createDisk(redis, keys),
    ...createSchedules(redis, keys),
    ...createClocks(redis, keys),
    ...createPlans(redis, keys),
    ...createTombstones(redis, keys),
    ...createTold(redis, keys),
    ...createTournaments(redis, keys, run),
  };
}

import { type Catalog, createCatalog } from '@spica/catalog';
import {
  type Clock,
  type CloneMethod,
  type Config,
  type PoolConfig,
  type PoolWork,
  UsageError,
} from '@spica/core';
import {
  type Audit,
  createSpaceGauge,
  createTemplates,
  type ImageNote,
  openPool,
  type Pool,
  readImageNote,
  type Serialiser,
  type SpaceGauge,
  type Templates,
} from '@spica/pool';
import { openQueues, type PoolQueues } from '@spica/queues';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { type ClockGuard, createClockGuard } from './clock/guard.ts';
import { uptime } from './clock/uptime.ts';
import type { CollectDue } from './collector/due.ts';
import type { CollectRuns } from './collector/runs.ts';
import { createProfiles, type Profiles } from './gate/profiles.ts';
import type { Publisher } from './gate/publish.ts';
import type { GateState, GateView } from './gate/state.ts';
import { checkIdentity } from './identity.ts';
import { createDiskDoubt, type DiskDoubt } from './pressure/disk-doubt.ts';
import { createDiskWrites, type DiskWrites } from './pressure/disk-trouble.ts';
import { createQuota, type Quota } from './pressure/quota.ts';
import type { WithDeletionClaim } from './pruner/claim.ts';
import type { CloneSync } from './spawner/sync.ts';

/** Everything that is known of one pool: enough to look and to plan, not to change anything. */
export interface PoolContext {
  readonly config: Config;
  readonly policy: PoolConfig;
  readonly pool: Pool;
  /** How this pool clones, as the forced trial found it. */
  readonly method: CloneMethod;
  /** The image that it lives in, or null. */
  readonly image: ImageNote | null;
  /** Whether the kernel charges instances for what they write, and caps them: in an image, or by `disk.hard_cap`. */
  readonly isCharged: boolean;
  readonly templates: Templates;
  readonly catalog: Catalog;
  readonly profiles: Profiles;
  readonly gateView: GateView;
  readonly queues: PoolQueues;
  readonly gauge: SpaceGauge;
  /** Why the figures of the disk are not to be believed, if they are not. */
  readonly diskDoubt: DiskDoubt;
  /** Why the disk takes no writes, if it does not. */
  readonly diskWrites: DiskWrites;
  readonly quota: Quota;
  readonly clock: Clock;
  readonly clockGuard: ClockGuard;
  readonly logger: Logger;
  /** What is reserved, and who is held; absent in a process that does not serve the pool. */
  readonly gate?: GateState;
  /** Collections that plans pass over; absent in a process that does not serve the pool. */
  readonly collectRuns?: Pick<CollectRuns, 'passedOver'>;
}

/** A pool that this process serves: what the workers need besides. */
export interface ServedContext extends PoolContext {
  readonly audit: Audit;
  /** Has what was done or seen counted, and told to whoever wants to hear of it. Never throws. */
  readonly observe: (work: PoolWork) => void;
  readonly gate: GateState;
  readonly publisher: Publisher;
  readonly withDeletionClaim: WithDeletionClaim;
  readonly cloneSync: CloneSync;
  readonly collectRuns: CollectRuns;
  readonly collectDue: CollectDue;
  /** Work on one instance, by its id: a deletion, a restore and the writing of its record exclude each other. */
  readonly perInstance: Serialiser;
  /** Preparations, by template. */
  readonly preparations: Serialiser;
  /** Reconciles, one at a time: a second one compares what the first has left. */
  readonly reconciles: Serialiser;
}

export interface OpenPoolContextOptions {
  readonly config: Config;
  readonly pool: string;
  readonly redis: Redis;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The config of a pool. Throws UsageError POOL_UNKNOWN that lists the pools there are. */
export function poolConfigOf(config: Config, pool: string): PoolConfig {
  const policy = config.pools[pool];
  if (policy) return policy;
  const known = Object.keys(config.pools).join(', ');
  throw new UsageError('POOL_UNKNOWN', `pool: no pool "${pool}" in the config (expected one of: ${known})`);
}

/**
 * Opens a pool for looking and planning. Touches neither the disk nor the catalog.
 * Throws what `openPool` and `checkIdentity` throw: POOL_FOREIGN when the catalog knows another pool by this name.
 */
export async function openPoolContext(options: OpenPoolContextOptions): Promise<PoolContext> {
  const { config, redis, clock } = options;
  const policy = poolConfigOf(config, options.pool);
  const logger = options.logger.child({ pool: policy.name });
  const pool = await openPool({ name: policy.name, root: policy.root });
  const catalog = createCatalog({ redis, pool: policy.name });
  await checkIdentity({ name: policy.name, root: policy.root }, catalog);
  const known = await catalog.identity();
  // Until a worker has tried what the disk can do, reckon with the way that needs the most space.
  const method = known?.method ?? 'copy';
  const image = await readImageNote(pool.paths.root);
  return {
    config,
    policy,
    pool,
    method,
    image,
    isCharged: image !== null || policy.disk.hardCap,
    catalog,
    profiles: createProfiles(catalog),
    gateView: { read: () => catalog.publishedGate() },
    queues: openQueues(policy.name, redis),
    templates: createTemplates({
      pool,
      sources: policy.templates,
      allowGitFile: policy.allowGitFile,
      method,
      clock,
      logger,
    }),
    gauge: createSpaceGauge({ dir: pool.paths.root, clock }),
    diskDoubt: createDiskDoubt({ dir: pool.paths.root, monotonic: () => performance.now() }),
    diskWrites: createDiskWrites(pool),
    quota: createQuota(clock),
    clock,
    clockGuard: createClockGuard({ catalog, clock, monotonic: uptime }),
    logger,
  };
}

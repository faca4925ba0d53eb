import { type Catalog, createCatalog } from '@spica/catalog';
import type { VerdictView } from '@spica/client';
import { toVerdict } from '@spica/client/redis';
import {
  type Amount,
  type Blind,
  type Breaker,
  type CloneMethod,
  floorOf,
  type PoolConfig,
  poolFloor,
  type Size,
  type Space,
  splitUse,
  systemClock,
  toKnownError,
} from '@spica/core';
import {
  type ImageHost,
  imageProblem,
  isInImage,
  listTrash,
  openPool,
  readImageHost,
  readPreparedBytes,
  readSpace,
} from '@spica/pool';
import { countJobs, countWorkers, type JobCounts, type QueueName } from '@spica/queues';
import { bytesOf, checkHere, checkIdentity, emptySums } from '@spica/workers';
import type { Redis } from 'ioredis';
import { toIso } from '../output/age.ts';
import { type Outlook, readDiskForecast } from './forecast.ts';
import { listStuck, type Stuck } from './stuck.ts';
import { readUncollected, type Uncollected } from './uncollected.ts';

/** How a pool stands: its disk, what is reserved, who waits, and who works. */
export interface PoolStatus {
  readonly pool: string;
  /** How it stands in a sentence, as the page says it. */
  readonly verdict: VerdictView;
  readonly root: string;
  /** Why the pool cannot be used from this host; null where it can. */
  readonly problem: { readonly code: string; readonly message: string } | null;
  readonly cloneMethod: CloneMethod | null;
  readonly disk: (Space & { readonly floor: { readonly bytes: number; readonly inodes: number } }) | null;
  /** The disk that the pool's image lies on, where it takes more of it as it fills; else null. */
  readonly imageHost: (ImageHost & { readonly floorBytes: number }) | null;
  /** Bytes that stay on the disk and are charged to no instance that is there; null in a pool without caps. */
  readonly orphanedBytes: number | null;
  readonly outlook: Outlook;
  /** What of the trash could not be deleted, and what helps. */
  readonly stuck: readonly Stuck[];
  /** Instances that are kept since their results could not be collected. */
  readonly uncollected: readonly Uncollected[];
  /** Null before anybody served the pool. */
  readonly breaker: Breaker | null;
  readonly reserved: Amount;
  /** What live instances are still expected to add. */
  readonly growth: Size;
  readonly instances: number;
  readonly maxInstances: number;
  /** Whether rules of age are in force; `suspended` says why they are not. */
  readonly clock: { readonly suspended: string | null; readonly offsetMs: number };
  /** Why the worker cannot see who uses an instance, and how long what was leased is kept for that; null where it can. */
  readonly blind: Blind | null;
  /** Before when nothing is deleted, since the catalog was lost, or that it was never compared with the disk. */
  readonly deletionsHeld: { readonly until: string | null } | null;
  readonly held: readonly {
    readonly request: string;
    readonly count: number;
    readonly since: string;
    readonly reason: string;
  }[];
  readonly queues: Readonly<Record<QueueName, JobCounts>>;
  /** By queue; null where Redis does not tell. */
  readonly workers: Readonly<Record<QueueName, number | null>>;
}

/** Reads a pool's status from its disk, the catalog and the queues. Changes nothing. */
export async function readPoolStatus(policy: PoolConfig, redis: Redis): Promise<PoolStatus> {
  const catalog = createCatalog({ redis, pool: policy.name });
  const now = systemClock.now();
  const [disk, published, instances, identity, clock, reconciled, pressure, counts, workers] =
    await Promise.all([
      readDisk(policy, catalog),
      catalog.publishedGate(),
      catalog.count(),
      catalog.identity(),
      catalog.clockState(),
      catalog.reconciled(),
      catalog.pressure(),
      countJobs(redis, policy.name),
      countWorkers(redis, policy.name),
    ]);
  const { problem, look } = disk;
  const instancesBytes = published?.ownBytes ?? 0;
  const use = look && splitUse(now, look.space, { instancesBytes, ...look.use });
  const outlook = await readDiskForecast(catalog, policy, { floor: look?.floor.bytes ?? null, use, now });
  const { reserved, growth } = published?.sums ?? emptySums(instances);
  const served = workers.gate === null ? null : workers.gate > 0;
  const clockSuspended = clock.suspended?.reason ?? null;
  return {
    pool: policy.name,
    verdict: toVerdict({ published, pressure, clockSuspended, served, now }),
    root: policy.root,
    problem,
    disk: look && { ...look.space, floor: look.floor },
    imageHost: disk.imageHost,
    orphanedBytes: published?.orphanedBytes ?? null,
    outlook,
    stuck: look?.stuck ?? [],
    uncollected: await readUncollected(catalog),
    cloneMethod: identity?.method ?? null,
    breaker: published?.limits.breaker ?? null,
    reserved,
    growth,
    clock: { suspended: clock.suspended?.reason ?? null, offsetMs: now - clock.redisNow },
    blind: published?.retention?.blind ?? null,
    deletionsHeld: holdOf(reconciled, now),
    instances,
    maxInstances: policy.retention.maxInstances,
    held: (published?.held ?? []).map(({ request, count, heldAt, reason }) => ({
      request,
      count,
      since: toIso(heldAt) ?? '',
      reason,
    })),
    queues: counts,
    workers,
  };
}

function holdOf(reconciled: { readonly graceUntil: number } | null, now: number) {
  if (reconciled === null) return { until: null };
  return reconciled.graceUntil > now ? { until: toIso(reconciled.graceUntil) } : null;
}

/** The disk as one look sees it. */
interface DiskLook {
  readonly space: Space;
  readonly floor: Size;
  readonly use: { readonly trashBytes: number; readonly templatesBytes: number };
  readonly stuck: readonly Stuck[];
}

async function readDisk(
  { name, root, disk }: PoolConfig,
  catalog: Catalog,
): Promise<{ look: DiskLook | null } & Pick<PoolStatus, 'problem' | 'imageHost'>> {
  try {
    await checkHere({ name, root }, catalog);
    const pool = await openPool({ name, root });
    await checkIdentity({ name, root }, catalog);
    const [space, trash, templatesBytes] = await Promise.all([
      readSpace(pool.paths.root),
      listTrash(pool),
      readPreparedBytes(pool),
    ]);
    const [host, inImage] = [await readImageHost(root), await isInImage(root)];
    const floor = poolFloor(disk, space, inImage);
    return {
      problem: await imageProblem(root),
      look: { space, floor, use: { trashBytes: bytesOf(trash), templatesBytes }, stuck: listStuck(trash) },
      imageHost: host && { ...host, floorBytes: floorOf(disk, null).bytes },
    };
  } catch (error) {
    const problem = toKnownError(error);
    if (!problem) throw error;
    const { code, message } = (await imageProblem(root)) ?? problem; // what is wrong below, before what that brings
    return { problem: { code, message }, look: null, imageHost: null };
  }
}

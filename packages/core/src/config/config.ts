import type { CollectAs } from '../collect/place.ts';
import type { NotifyEvent, NotifyFormat } from '../notify/events.ts';
import type { RetentionOrder } from '../retention/order.ts';
import type { SecretRef } from './secret.ts';

/** A command and its arguments; no shell reads them. */
export type Argv = readonly [string, ...string[]];

/** A template's settings. */
export interface TemplateConfig {
  /** Its directory, absolute. */
  readonly path: string;
  /** Runs in each instance before anybody is told of it; null for nothing. */
  readonly setup: Argv | null;
  readonly setupTimeoutMs: number;
  /** Runs once in each prepared snapshot, before anything is cloned from it; null for nothing. */
  readonly prepare: Argv | null;
  readonly prepareTimeoutMs: number;
  /** Patterns of what is collected of its instances, unless a request names others; none for nothing. */
  readonly collect: readonly string[];
}

/** Who is told of what. */
export interface NotifyTarget {
  /** A POST goes there. It may be a secret itself. */
  readonly url: SecretRef;
  readonly on: readonly NotifyEvent[];
  readonly format: NotifyFormat;
  /** What is sent is signed with it; null for no signature. */
  readonly secret: SecretRef | null;
}

/** A pool's settings, with absolute paths. */
export interface PoolConfig {
  readonly name: string;
  readonly root: string;
  /** The image that the pool is to live in; null for the filesystem that its root is on. */
  readonly image: {
    readonly sizeGb: number;
    /** Null for one beside the root. */
    readonly file: string | null;
    readonly allocate: boolean;
  } | null;
  readonly templates: Readonly<Record<string, TemplateConfig>>;
  /** Whether a template may have a `.git` that leads out of it, so that its clones share one repository. */
  readonly allowGitFile: boolean;
  /** A directory that is there, for what is collected of instances; null for none. */
  readonly collectTo: string | null;
  readonly collectAs: CollectAs;
  /** Most that is collected of one instance. */
  readonly collectMaxGb: number;
  /** A collection that takes longer has failed. */
  readonly collectTimeoutMs: number;
  readonly retention: {
    readonly maxInstances: number;
    readonly maxAgeDays: number;
    readonly pruneOnSpawn: boolean;
    /** So many of each experiment are kept for their scores; 0 for none. */
    readonly keepBest: number;
    /** Null for no limit of an experiment's own. */
    readonly maxPerExperiment: number | null;
    readonly minAgeMs: number;
    /** Nothing is deleted for so long after its lease ended, unless its owner discarded it. */
    readonly keepAfterLeaseMs: number;
    readonly order: RetentionOrder;
    /** How long a deleted instance can be brought back. */
    readonly trashTtlMs: number;
    readonly protectLiveProcesses: boolean;
    /** Whether nothing is deleted while there are processes that cannot be looked into. */
    readonly protectWhenUnknown: boolean;
    /** Whether an instance is kept whose git repository holds what would be lost with it. */
    readonly protectUnsavedWork: boolean;
    /** What was leased is kept for so long after its lease where nobody can see who uses it, as in a container. */
    readonly blindKeepMs: number;
  };
  readonly disk: {
    readonly minFreeSpaceGb: number;
    readonly minFreeInodesPercent: number;
    readonly safetyFactor: number;
    /** Below so much free space retention starts early; null for half as much again as the floor. */
    readonly targetFreeGb: number | null;
    readonly checkEveryMs: number;
    /** How long an instance that no longer changes is expected to grow on. */
    readonly growthWindowMs: number;
    /** How large an instance is expected to become before any was measured, in sizes of its prepared snapshot. */
    readonly priorFactor: number;
    /** What a replica is expected to add before any was measured, as a share of its instance. */
    readonly replicaOverhead: number;
    /** `aggressive`: what others use may cost instances that the policy would keep. */
    readonly reclaim: 'policy' | 'aggressive';
    readonly ballastMb: number;
    /** Warn when the floor is expected to be reached within this time. */
    readonly forecastWarnMs: number;
    /** Null for no limit of one instance's size. */
    readonly maxInstanceGb: number | null;
    /** What each instance's cap is, where the kernel keeps caps: `maxInstanceGb`, or what was reserved for it. */
    readonly cap: 'max' | 'reservation';
    /** Outside of an image: simple quotas may be switched on for the btrfs that the pool is on. */
    readonly hardCap: boolean;
    readonly onOversize: 'warn' | 'end_lease';
    /** What the pool may take of its disk in all; null for no limit of its own. */
    readonly maxPoolGb: number | null;
    /** Directories on further disks that fill with the pool's: the one that its image lies on, say. */
    readonly alsoWatch: readonly string[];
  };
}

/** The whole config as the code uses it: camelCase, milliseconds, absolute paths. */
export interface Config {
  readonly pools: Readonly<Record<string, PoolConfig>>;
  readonly concurrency: {
    readonly gate: number;
    readonly spawn: number;
    readonly prune: number;
    readonly sample: number;
  };
  readonly gate: {
    readonly maxWaitMs: number;
    readonly pollEveryMs: number;
    readonly barrierAfterMs: number;
    /** Instances, not requests; null for no limit. */
    readonly maxSpawnsPerHour: number | null;
    /** Requests held at a time; null for no limit. */
    readonly maxWaiting: number | null;
    readonly breaker: { readonly failures: number; readonly cooldownMs: number };
  };
  readonly prune: { readonly everyMs: number } | { readonly pattern: string };
  readonly sample: { readonly everyMs: number; readonly maxAgeMs: number };
  readonly server: {
    /** An IP address, or `localhost`. */
    readonly host: string;
    readonly port: number;
    /** Files of the certificate and its key, both or neither; null for plain HTTP. */
    readonly tlsCert: string | null;
    readonly tlsKey: string | null;
    /** Calls in a minute that the HTTP API takes of one token; null for no limit. */
    readonly rateLimit: number | null;
  };
  readonly audit: { readonly path: string | null };
  readonly redis: { readonly url: string | null };
  readonly notify: readonly NotifyTarget[];
  /** Where traces go (OTLP over HTTP); null for no tracing. */
  readonly otel: { readonly endpoint: string | null };
  readonly shutdownTimeoutMs: number;
  readonly budget: { readonly cpu: number; readonly ramGb: number; readonly vramGb: number };
  readonly log: { readonly level: string };
  /** Embedded Redis, sockets, audit log. */
  readonly stateDir: string;
}

/** A btrfs with two copies of its metadata needs some 110 MB. */
export const LEAST_IMAGE_BYTES = 128e6;

/** The free space and inodes of a filesystem that admitted work may never take. */
export function floorOf(
  disk: Pick<PoolConfig['disk'], 'minFreeSpaceGb' | 'minFreeInodesPercent'>,
  totalInodes: number | null,
): { bytes: number; inodes: number } {
  return {
    bytes: Math.ceil(disk.minFreeSpaceGb * 1e9),
    inodes: Math.ceil(((totalInodes ?? 0) * disk.minFreeInodesPercent) / 100),
  };
}

/** The share of an image that is kept for its btrfs, at least so much, and no more than this share of a small one. */
const RESERVE = { share: 0.02, leastBytes: 256e6, mostShare: 0.1 };

/**
 * The floor of a pool's own filesystem. In an image that is a reserve for its btrfs, which needs room to delete: 2 %, at
 * least 256 MB, but no more than a tenth; `min_free_space_gb` is then the floor of the disk that the image lies on.
 */
export function poolFloor(
  disk: Pick<PoolConfig['disk'], 'minFreeSpaceGb' | 'minFreeInodesPercent'>,
  { totalBytes, totalInodes }: { readonly totalBytes: number; readonly totalInodes: number | null },
  inImage: boolean,
): { bytes: number; inodes: number } {
  if (!inImage) return floorOf(disk, totalInodes);
  const reserve = Math.max(totalBytes * RESERVE.share, RESERVE.leastBytes);
  return { bytes: Math.ceil(Math.min(reserve, totalBytes * RESERVE.mostShare)), inodes: 0 };
}

/** A ballast of more than this share of the disk would be in the way of the work that it is there to save. */
const MOST_BALLAST = 0.01;

/** Bytes that a pool's ballast takes: `disk.ballast_mb`, and at most a hundredth of the disk. */
export function ballastOf({ ballastMb }: Pick<PoolConfig['disk'], 'ballastMb'>, totalBytes: number): number {
  return Math.floor(Math.min(ballastMb * 1e6, totalBytes * MOST_BALLAST));
}

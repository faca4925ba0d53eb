import type { Forecast, HeldHead, LedgerSums, Limits, RetentionPolicy, Size } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { filesystemKey, type Keys } from './keys.ts';
import { defineOperations } from './ops.ts';
import { readJson } from './stored.ts';

/** A request that is held. Times are epoch milliseconds. */
export interface HeldRequest {
  readonly request: string;
  readonly heldAt: number;
  /** By its submitter's clock. */
  readonly submittedAt: number;
  readonly reason: string;
  readonly count: number;
  /**
   * What is missing for it, and who holds the room, in words (null where nobody looked); null where it waits for something
   * else than room.
   */
  readonly short: (NonNullable<HeldHead['short']> & { readonly help: string | null }) | null;
}

/** The pool's disk as its worker last looked at it. */
export interface DiskSeen {
  readonly at: number;
  readonly totalBytes: number;
  readonly availableBytes: number;
  /** Null where the filesystem has no limit of inodes. */
  readonly freeInodes: number | null;
  /** What admitted work must leave free. */
  readonly floorBytes: number;
  /** Below it, retention starts early. */
  readonly targetBytes: number;
  /** The disk that the pool's image lies on, where it takes more of it as it fills; else null. */
  readonly imageHost: {
    readonly availableBytes: number;
    readonly floorBytes: number;
    readonly mayGrowBytes: number;
  } | null;
  /** When its floor is reached if it goes on so, as of then. */
  readonly forecast: Forecast;
}

/** What a pool is, for whoever looks on from elsewhere. */
export interface PoolFacts {
  /** Of the host that serves it. */
  readonly host: string;
  /** `ext4`, `btrfs`, …; null where the kernel does not say. */
  readonly filesystem: string | null;
  readonly templates: readonly string[];
  readonly minFreeBytes: number;
  readonly maxInstanceBytes: number | null;
  readonly maxPoolBytes: number | null;
}

/** What the last check of the audit log's chain found. */
export interface AuditCheck {
  readonly checkedAt: number;
  readonly entries: number;
  /** The first place where the chain does not hold; null where it holds. */
  readonly problem: string | null;
}

/** What the process that serves a pool has reserved, for other processes and for its next start. */
export interface GateFigures {
  /** When it was published, epoch milliseconds. */
  readonly at: number;
  readonly sums: LedgerSums;
  /** Bytes that the pool's instances take by themselves. */
  readonly ownBytes: number;
  /** Instances that have written what their caps allow; null in a pool that has no caps. */
  readonly atCap: number | null;
  /** Bytes in a pool with caps that stay on the disk and are charged to no instance that is there; else null. */
  readonly orphanedBytes: number | null;
  readonly limits: Limits;
  /** The part of their bytes that deletions are expected to bring back, after what the last one brought. */
  readonly share: number;
  /** By which instances go; null in what earlier versions wrote. */
  readonly retention: RetentionPolicy | null;
  /** What admitted work must leave free; null before the worker's first look at the disk. */
  readonly floorBytes: number | null;
  /** The pool's directory, on the host that serves it; null in what earlier versions wrote. */
  readonly root: string | null;
  /** Null before the worker's first look at it. */
  readonly disk: DiskSeen | null;
  /** Null in what earlier versions wrote. */
  readonly facts: PoolFacts | null;
  /** Null before the first check. */
  readonly audit: AuditCheck | null;
}

/** Whom it holds. */
export interface PublishedLine {
  /** The first of the line, longest held first, and how many there are. */
  readonly held: readonly HeldRequest[];
  readonly heldCount: number;
}

export interface PublishedGate extends GateFigures, PublishedLine {}

/** What other processes may know of a pool's gate. Only the process that serves the pool publishes it. */
export interface Gate {
  /** Null before anybody served the pool, or where what is there cannot be read (another version wrote it). */
  publishedGate(): Promise<PublishedGate | null>;
  /** @param line Null where it is as it was published last; it is asked for again where Redis has lost that. */
  publishGate(figures: GateFigures, line: PublishedLine | null): Promise<'published' | 'line-missing'>;
  /**
   * Publishes what this process has reserved on a filesystem, and resolves with what all others have reserved there that published within
   * `withinMs`.
   */
  exchangeOnFilesystem(
    filesystem: string,
    mine: { readonly process: string; readonly at: number; readonly size: Size },
    withinMs: number,
  ): Promise<Size>;
}

const size = z.object({ bytes: z.number(), inodes: z.number() });

const amount = size.extend({ slots: z.number() });

const diskSchema: z.ZodType<DiskSeen> = z.object({
  at: z.number(),
  totalBytes: z.number(),
  availableBytes: z.number(),
  freeInodes: z.number().nullable(),
  floorBytes: z.number(),
  targetBytes: z.number(),
  imageHost: z
    .object({ availableBytes: z.number(), floorBytes: z.number(), mayGrowBytes: z.number() })
    .nullable(),
  forecast: z.discriminatedUnion('trend', [
    z.object({ trend: z.literal('unknown') }),
    z.object({ trend: z.literal('stable') }),
    z.object({
      trend: z.literal('filling'),
      untilFloorMs: z.number(),
      soonestMs: z.number(),
      latestMs: z.number(),
      bytesPerHour: z.number(),
    }),
  ]),
});

const factsSchema: z.ZodType<PoolFacts> = z.object({
  host: z.string(),
  filesystem: z.string().nullable(),
  templates: z.array(z.string()),
  minFreeBytes: z.number(),
  maxInstanceBytes: z.number().nullable(),
  maxPoolBytes: z.number().nullable(),
});

const auditSchema: z.ZodType<AuditCheck> = z.object({
  checkedAt: z.number(),
  entries: z.number(),
  problem: z.string().nullable(),
});

const figuresSchema: z.ZodType<GateFigures> = z.object({
  at: z.number(),
  sums: z.object({
    reserved: amount,
    growth: size,
    instances: z.number(),
    landed: size,
    bounds: z.record(
      z.string(),
      z.object({ reservedBytes: z.number(), growthBytes: z.number(), landedBytes: z.number() }),
    ),
  }),
  ownBytes: z.number(),
  atCap: z.number().nullable().default(null),
  orphanedBytes: z.number().nullable().default(null),
  limits: z.object({
    breaker: z.object({
      failures: z.number(),
      openedAt: z.number().nullable(),
      probe: z.object({ request: z.string(), since: z.number() }).nullable(),
      cause: z.string().nullable().default(null),
    }),
    starts: z.array(z.object({ at: z.number(), count: z.number(), request: z.string().nullable() })),
  }),
  share: z.number().min(0).max(1).default(1),
  retention: z
    .object({
      maxInstances: z.number(),
      maxAgeMs: z.number(),
      maxPerExperiment: z.number().nullable(),
      keepBest: z.number(),
      minAgeMs: z.number(),
      keepAfterLeaseMs: z.number(),
      order: z.enum(['oldest', 'largest', 'least_recently_leased']),
      blind: z.object({ why: z.string(), keepMs: z.number() }).optional(),
    })
    .nullable()
    .default(null),
  floorBytes: z.number().nullable().default(null),
  root: z.string().nullable().default(null),
  disk: diskSchema.nullable().default(null),
  facts: factsSchema.nullable().default(null),
  audit: auditSchema.nullable().default(null),
});

const lineSchema: z.ZodType<PublishedLine> = z.object({
  held: z.array(
    z.object({
      request: z.string(),
      heldAt: z.number(),
      submittedAt: z.number(),
      reason: z.string(),
      count: z.number(),
      short: z
        .object({
          shortfall: amount,
          frees: z
            .object({ count: z.number(), until: z.number(), by: z.enum(['leases', 'kept']) })
            .nullable(),
          help: z.string().nullable(),
        })
        .nullable()
        .default(null),
    }),
  ),
  heldCount: z.number(),
});

const shareSchema = z.object({ at: z.number(), size });

export function createGate(redis: Redis, keys: Keys): Gate {
  return {
    async publishedGate() {
      const [figures, line] = await redis.hmget(keys.published, 'figures', 'line');
      return figures && line ? readOrNull(figures, line) : null;
    },
    async publishGate(figures, line) {
      const fields = { figures: JSON.stringify(figures), ...(line && { line: JSON.stringify(line) }) };
      const added = await redis.hset(keys.published, fields);
      return line === null && added > 0 ? 'line-missing' : 'published';
    },
    async exchangeOnFilesystem(filesystem, { process, at, size: reserved }, withinMs) {
      const key = filesystemKey(filesystem);
      await redis.hset(key, process, JSON.stringify({ at, size: reserved }));
      const others = Object.entries(await redis.hgetall(key))
        .filter(([other]) => other !== process)
        .map(([other, text]) => ({ other, text, ...readJson(shareSchema, key, text) }));
      const stale = others.filter((share) => share.at < at - withinMs);
      const run = defineOperations(redis, key);
      // After Redis was away all are stale: a process that has just come back must not lose what it says now.
      await Promise.all(stale.map(({ other, text }) => run('drop_share', [other, text])));
      const live = others.filter((share) => !stale.includes(share));
      return {
        bytes: live.reduce((sum, share) => sum + share.size.bytes, 0),
        inodes: live.reduce((sum, share) => sum + share.size.inodes, 0),
      };
    },
  };
}

function readOrNull(figures: string, line: string): PublishedGate | null {
  try {
    return { ...figuresSchema.parse(JSON.parse(figures)), ...lineSchema.parse(JSON.parse(line)) };
  } catch {
    return null; // it is published anew within moments of the next start
  }
}

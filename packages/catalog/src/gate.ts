import type { LedgerSums, Limits, RetentionPolicy, Size } from '@spica/core';
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

const figuresSchema: z.ZodType<GateFigures> = z.object({
  at: z.number(),
  sums: z.object({
    reserved: size.extend({ slots: z.number() }),
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
    })
    .nullable()
    .default(null),
  floorBytes: z.number().nullable().default(null),
  root: z.string().nullable().default(null),
});

const lineSchema: z.ZodType<PublishedLine> = z.object({
  held: z.array(
    z.object({
      request: z.string(),
      heldAt: z.number(),
      submittedAt: z.number(),
      reason: z.string(),
      count: z.number(),
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

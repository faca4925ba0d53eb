import type {
  AuditCheck,
  DiskSeen,
  GateFigures,
  PoolFacts,
  PublishedGate,
  PublishedLine,
} from '@spica/catalog';
import {
  type Amount,
  Ledger,
  type LedgerSums,
  type Limits,
  NO_LIMITS,
  type RetentionPolicy,
} from '@spica/core';
import type { Admitted, SpawnRequest } from '@spica/queues';
import { boundTotals, type DiskBelow } from './bounds.ts';
import type { Filesystem } from './filesystem.ts';
import { Line, type LineOptions } from './line.ts';
import { ProtectedCount } from './protected.ts';

/** A request that was admitted and has not ended: what its spawn jobs need, which carry its id and an index only. */
export interface OpenRequest {
  readonly request: SpawnRequest;
  readonly life: string;
  readonly round: number;
  readonly admitted: Admitted;
  /** Its children were added, and it waits for them, since this process began. */
  parked: boolean;
  /** Ends its set-ups, with the error that their spawns fail with: one of them has failed, or it was cancelled. */
  readonly stop: AbortController;
}

/** How many of the line are published: the rest is counted. */
const MOST_PUBLISHED = 1_000;

/** Room that is made for a request. */
export interface Reclaim {
  /** The line's `wakes` from when it began. */
  readonly wakes: number;
  /** What the request needs in all. */
  readonly need: Amount;
  /** It is made: what is free by now is for this request. */
  isMade: boolean;
}

/**
 * What the process that serves a pool knows of its gate: the only place where anything is reserved. It is made anew at each
 * start from what the disk, the catalog and the gate's own jobs say (gate/load.ts).
 */
export class GateState {
  readonly ledger: Ledger;
  readonly line: Line;
  readonly filesystem: Filesystem;
  /** The disks below its own. */
  readonly below: readonly DiskBelow[];
  /** By request id. */
  readonly requests = new Map<string, OpenRequest>();
  /** Ids of requests that were cancelled, as far as this process has heard: their clones need not begin. */
  readonly cancelled = new Set<string>();
  /** What room is made for, by request id, until the request is decided again. */
  readonly reclaims = new Map<string, Reclaim>();
  /** Its leases and pins. */
  readonly protected = new ProtectedCount();
  limits: Limits = NO_LIMITS;
  /** Instances that have written what their caps allow, as last seen; null in a pool that has no caps. */
  atCap: number | null = null;
  /** To what (bytes) the caps of instances were raised: what was measured before saw lower ones. Caps never become lower. */
  readonly raised = new Map<string, number>();
  /** Bytes that are charged to no instance that is there, as last seen; null in a pool that has no caps. */
  orphanedBytes: number | null = null;
  /** The part of their bytes that deletions are expected to bring back, after what the last one brought. */
  share = 1;
  /** By which its instances go, for who looks on; null until the pool is served. */
  retention: RetentionPolicy | null = null;
  /** What admitted work must leave free, as last seen. */
  floorBytes: number | null = null;
  /** The pool's directory, for who looks on; null until the pool is served. */
  root: string | null = null;
  /** Its disk, as the monitor last looked at it; null before the first look. */
  disk: DiskSeen | null = null;
  /** What it is, for who looks on; null until the pool is served. */
  facts: PoolFacts | null = null;
  /** What the last check of the audit log's chain found; null before the first. */
  auditCheck: AuditCheck | null = null;
  /** The most changes of leases and pins that Redis was seen to know of. */
  changesSeen = 0;

  constructor(
    filesystem: Filesystem,
    lineOptions: Omit<LineOptions, 'neighbours'>,
    below: readonly DiskBelow[] = [],
  ) {
    this.filesystem = filesystem;
    this.below = below;
    this.ledger = new Ledger(filesystem.totals, boundTotals(below));
    this.line = new Line({ ...lineOptions, neighbours: filesystem.lines });
    filesystem.lines.add(this.line);
  }

  /**
   * What others may see of its sums. Times are epoch milliseconds.
   *
   * @param at The host's clock.
   * @param growthAt The time by which growth is judged (`clockGuard.now()`).
   */
  figures(at: number, growthAt: number): GateFigures {
    const { ledger, limits, atCap, orphanedBytes, share, retention, floorBytes, root } = this;
    const sums = ledger.sums(growthAt);
    const seen = { atCap, orphanedBytes, floorBytes, disk: this.disk, audit: this.auditCheck };
    const { facts } = this;
    return { at, sums, ownBytes: ledger.ownBytes, ...seen, limits, share, retention, root, facts };
  }

  /** All that others may see of it, with times as `figures` takes them. */
  published(at: number, growthAt: number): PublishedGate {
    return { ...this.figures(at, growthAt), ...this.publishedLine() };
  }

  /** What others may see of whom it holds. */
  publishedLine(): PublishedLine {
    const held = this.line.inOrder();
    return {
      held: held.slice(0, MOST_PUBLISHED).map(({ need: _, job: __, ...each }) => each),
      heldCount: held.length,
    };
  }
}

/** The gate as whoever plans or looks on sees it: live in the process that serves the pool, else as published. */
export interface GateView {
  /** Null where nobody has served the pool yet. */
  read(): Promise<PublishedGate | null>;
}

/** The sums of a pool that nobody serves: nothing is reserved. */
export function emptySums(instances: number): LedgerSums {
  const nothing = { bytes: 0, inodes: 0 };
  return { reserved: { ...nothing, slots: 0 }, growth: nothing, instances, landed: nothing, bounds: {} };
}

import type { CloneMethod } from '../instance/record.ts';
import type { PressureLevel } from '../pressure/level.ts';

/** An instance that has gone out of sight. */
export interface DeletedInstance {
  readonly id: string;
  /** The rule that took it: `age`, `count`, `space`, …, or `undo` where its request had not ended well. */
  readonly rule: string;
  readonly reason: string;
  /** Its own bytes; null where they were never measured. */
  readonly bytes: number | null;
}

/** An instance that goes within a day, if nobody does anything about it. */
export interface DepartingInstance {
  readonly id: string;
  readonly experiment: string | null;
  /** Who submitted its request, where that is known. */
  readonly by: string | null;
  /** Epoch milliseconds. */
  readonly goesAt: number;
  readonly reason: string;
}

/** Something that a pool's workers did or saw, for whoever counts it or tells others of it. */
export type PoolWork =
  /** `waitedMs`: since it was submitted. */
  | { readonly kind: 'request-admitted'; readonly waitedMs: number }
  | { readonly kind: 'request-held' }
  /** Some request waits for longer than `heldTooLongMs`, or (`requests` 0) none does any more. */
  | { readonly kind: 'held-over'; readonly requests: number; readonly reason: string }
  | {
      readonly kind: 'request-ended';
      readonly outcome: 'completed' | 'rejected' | 'failed';
      /** The error's code; null where it was completed. */
      readonly code: string | null;
    }
  /** `bytes`: what the template's snapshot has; `method` says whether they were copied or are shared. */
  | { readonly kind: 'spawned'; readonly method: CloneMethod; readonly bytes: number; readonly ms: number }
  /** `isOfHost`: it counts for the breaker, as neither the request nor the template was to blame. */
  | { readonly kind: 'spawn-failed'; readonly isOfHost: boolean }
  | { readonly kind: 'breaker'; readonly opened: string | null }
  | { readonly kind: 'deleted'; readonly instances: readonly DeletedInstance[] }
  | { readonly kind: 'departing'; readonly instances: readonly DepartingInstance[] }
  /** What came back of the space that deletions were expected to free. */
  | { readonly kind: 'reclaimed'; readonly expectedBytes: number; readonly cameBytes: number }
  | { readonly kind: 'sampled'; readonly instances: number }
  | { readonly kind: 'sample-failed' }
  | { readonly kind: 'collected'; readonly bytes: number }
  | { readonly kind: 'collect-failed' }
  | {
      readonly kind: 'pressure';
      readonly level: PressureLevel;
      readonly before: PressureLevel;
      readonly reason: string;
    }
  /** `isAtCap`: the kernel refuses what it writes. */
  | {
      readonly kind: 'oversize';
      readonly instance: string;
      readonly isAtCap: boolean;
      readonly reason: string;
    };

/** The same, with the pool; what concerns all pools of a process has none. */
export type WorkEvent =
  | (PoolWork & { readonly pool: string })
  /** The audit log's chain was checked from end to end. `problems`: where it does not hold. */
  | { readonly kind: 'audit-checked'; readonly pool: null; readonly problems: readonly string[] }
  /** A notification has ended: `given-up` after the last try, or as too many wait. */
  | { readonly kind: 'notified'; readonly pool: null; readonly outcome: 'delivered' | 'given-up' };

/** A request that was held for this part of `gate.max_wait` is held for too long: half of the time to act is over. */
const TOO_LONG_SHARE = 0.5;

/** From when on somebody should look why a request waits, in milliseconds since it was held. */
export function heldTooLongMs({ maxWaitMs }: { readonly maxWaitMs: number }): number {
  return maxWaitMs * TOO_LONG_SHARE;
}

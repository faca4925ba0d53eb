import type { Distrust, InstanceRecord, KnownInstance, Pin, PressureLevel } from '@spica/core';

/** An instance as the catalog knows it. */
export type CatalogInstance = KnownInstance;

/** Whether a deletion may begin, and what is in its way. */
export type BeginDelete =
  /**
   * `begun`: now, or before by the same owner. `deleting`: somebody else's is under way. `unreconciled`: the disk has
   * not been compared since Redis was empty. `rolled-back`: Redis has lost changes that were acknowledged.
   */
  | { readonly outcome: 'begun' | 'absent' | 'deleting' | 'unreconciled' | 'rolled-back' }
  | { readonly outcome: 'grace'; readonly until: number }
  | { readonly outcome: 'in-flight'; readonly request: string }
  | { readonly outcome: 'pinned'; readonly pin: Pin }
  | { readonly outcome: 'leased'; readonly owner: string; readonly expiresAt: number };

/** The pressure on the disk as the worker last saw it. Times are epoch milliseconds. */
export interface Pressure {
  readonly level: PressureLevel;
  readonly since: number;
  readonly at: number;
  /** Why the disk takes no writes; null where it takes them. */
  readonly reason: string | null;
}

/** An instance that vanished without Spica's doing. */
export interface Tombstone {
  /** When it was last measured or spawned, epoch milliseconds; null when nobody knows. */
  readonly lastSeenAt: number | null;
  readonly record: InstanceRecord;
}

/** What the audit log says of an instance's deletion: when, on whose behalf, and why. */
export interface GoneRecord {
  /** ISO-8601 UTC. */
  readonly timestamp: string;
  readonly action: string;
  readonly pool: string;
  readonly request: string | null;
  readonly instance: string;
  readonly reason: string | null;
  readonly bytes: number | null;
  readonly outcome: string;
}

/** An entry of the audit log; the log's own schema knows the rest of its fields. */
export interface Note {
  readonly action: string;
  readonly outcome: string;
  readonly [field: string]: unknown;
}

/** A note as it was found, or why it cannot be read. */
export type LeftNote =
  | { readonly note: Note; readonly problem: null }
  | { readonly note: null; readonly problem: string };

/** Why rules of age are suspended, and which watcher of the clock said so. */
export interface Suspension extends Distrust {
  readonly by: string;
}

export interface ClockState {
  /** Epoch milliseconds. */
  readonly redisNow: number;
  /** Why rules of age are suspended; null when they are in force. */
  readonly suspended: Suspension | null;
  readonly acceptedOffsetMs: number;
  /** Counts how often an operator has vouched for the clock. */
  readonly confirmations: number;
}

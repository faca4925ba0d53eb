import type { Amount, Distrust, InstanceRecord, Pin, PressureLevel } from '@spica/core';

/** What is promised, what is there, and what was ever taken out of the promises. */
export interface Ledger {
  readonly reserved: Amount;
  /** What live instances are still expected to add. */
  readonly growth: { readonly bytes: number; readonly inodes: number };
  /** Instances in the catalog, in flight or ready. */
  readonly instances: number;
  /** Bytes that they take by themselves, as last measured or as cloned. */
  readonly ownBytes: number;
  /** Running totals. Read before the disk is measured, they tell `reserve` what landed in between. */
  readonly settled: { readonly bytes: number; readonly inodes: number };
}

export interface ReservationRequest {
  readonly request: string;
  /** The prepared snapshot that must stay for it. */
  readonly fingerprint: string;
  readonly perInstance: { readonly bytes: number; readonly inodes: number };
  readonly count: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The most that all promises and all growth may reach together; `slots` with the instances that are there. */
export interface Bounds {
  readonly bytes: number;
  readonly inodes: number | null;
  readonly slots: number;
}

export interface Reservation extends Amount {
  readonly request: string;
  readonly fingerprint: string;
  readonly at: number;
}

export interface CatalogInstance {
  readonly record: InstanceRecord;
  readonly state: 'in-flight' | 'ready' | 'deleting';
  /** The request that has not ended yet, of one in flight. */
  readonly request: string | null;
}

/** What an instance is still expected to add, and until when (epoch milliseconds). */
export interface Growth {
  readonly bytes: number;
  readonly inodes: number;
  readonly endsAt: number;
}

/** Whether a deletion may begin, and what is in its way. */
export type BeginDelete =
  /** `deleting`: begun before, go on with it. `unreconciled`: the disk has not been looked at since Redis was empty. */
  | { readonly outcome: 'begun' | 'absent' | 'deleting' | 'unreconciled' }
  | { readonly outcome: 'grace'; readonly until: number }
  | { readonly outcome: 'in-flight'; readonly request: string }
  | { readonly outcome: 'pinned'; readonly pin: Pin }
  | { readonly outcome: 'leased'; readonly owner: string; readonly expiresAt: number };

/** The pressure on the disk as the worker last saw it. Times are epoch milliseconds. */
export interface Pressure {
  readonly level: PressureLevel;
  readonly since: number;
  readonly at: number;
}

/** An instance that vanished without Spica's doing. */
export interface Tombstone {
  /** When it was last measured or spawned, epoch milliseconds; null when nobody knows. */
  readonly lastSeenAt: number | null;
  readonly record: InstanceRecord;
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

export interface HeldRequest {
  readonly request: string;
  readonly heldAt: number;
  /** By its submitter's clock. */
  readonly submittedAt: number;
  readonly reason: string;
  readonly count: number;
}

import type { RequestProgress } from '@spica/queues';

export type * from './pool-view.ts';

/*
 * What a client is told, as JSON: the command prints the same with `--json`. Times are ISO-8601 UTC, bytes are numbers of
 * bytes. Plain types: what runners import names no type of another package.
 */

export interface Size {
  readonly bytes: number;
  readonly inodes: number;
}

/** A part of a list; `next` is the cursor of the part after it, null at the end. What it means is the server's affair. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** A part of a list of instances. */
export interface InstancePage extends Page<InstanceView> {
  /** How many match, in all parts. */
  readonly total: number;
}

/** What is known of an instance. */
export interface InstanceView {
  readonly id: string;
  readonly pool: string;
  /**
   * Its directory, on the host that serves the pool; null where that is not known, or not for the caller to see: over HTTP it
   * is for who submitted its request, and for operators.
   */
  readonly path: string | null;
  readonly request: string | null;
  readonly index: number | null;
  /** Who submitted its request: the name of a token, or `user@host`; null where that is not known. */
  readonly by: string | null;
  readonly template: string;
  readonly templateVersion: string;
  readonly fingerprint: string | null;
  readonly cloneMethod: 'copy' | 'reflink' | 'snapshot' | null;
  readonly cloned: Size | null;
  readonly predicted: Size | null;
  readonly expected: Size | null;
  readonly replicas: number;
  readonly parent: string | null;
  readonly generation: number;
  readonly experiment: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly ttlMs: number | null;
  readonly score: number | null;
  readonly oversize: 'end_lease' | 'warn' | null;
  readonly state: 'deleting' | 'in-flight' | 'ready';
  readonly inFlightFor: string | null;
  /** Patterns of what is collected of it before it is deleted; none for nothing. */
  readonly collect: readonly string[];
  /** When and where to that was done last. */
  readonly collected: CollectedView | null;
  /** Why its results could not be collected: it is kept until they are. */
  readonly collectFailure: {
    readonly cause: string;
    readonly since: string | null;
    readonly triedAgainAt: string | null;
  } | null;
  readonly spawnedAt: string | null;
  readonly clonedAt: string | null;
  readonly sample: {
    readonly allocatedBytes: number;
    readonly apparentBytes: number;
    readonly inodes: number;
    readonly ownBytes: number;
    readonly incomplete?: boolean | undefined;
    readonly at: string | null;
    readonly changedAt: string | null;
  } | null;
  /** What its deletion would free, as measured last; null before. */
  readonly ownBytes: number | null;
  /** The most that it may become: the kernel refuses what it writes beyond that; null for no cap. */
  readonly capBytes: number | null;
  /** Its own size over time, at most 24 points, oldest first: epoch milliseconds, bytes. */
  readonly sizes: readonly (readonly [number, number])[];
  readonly lease: {
    readonly owner: string;
    readonly expiresAt: string | null;
    readonly inForce: boolean;
  } | null;
  readonly lastLeasedAt: string | null;
  readonly pin: { readonly by: string; readonly why: string; readonly at: string | null } | null;
  /** What keeps it, and until when, in one sentence; null where nothing does, or that is not known. */
  readonly keptBy: string | null;
  /** What a plan found in it that would be lost (`protect_unsaved_work`), in one sentence; null for nothing. */
  readonly unsaved: string | null;
  /** When it would go by itself; null where it stays, or that is not known. A request that needs room may have it go before. */
  readonly goesAt: string | null;
  /** The rule that keeps it, or by which the next prune would delete it, in one sentence; null where that is not known. */
  readonly rule: {
    readonly verdict: 'keeps' | 'goes';
    readonly rule: string;
    readonly sentence: string;
  } | null;
}

/** Where a request stands. */
export interface RequestView {
  readonly id: string;
  readonly pool: string;
  /** Tells this life of the request from others under the same id; empty where the job's payload cannot be read. */
  readonly life: string;
  /** The gate job's state, in BullMQ's words. */
  readonly state: string;
  readonly progress: RequestProgress | null;
  /** What was asked for; null where the job's payload cannot be read. */
  readonly request: RequestedSpawn | null;
  readonly submittedAt: string | null;
  readonly endedAt: string | null;
  readonly instances: readonly SpawnedInstance[];
  readonly failure: { readonly code: string; readonly message: string } | null;
  /** The jobs that work for it. */
  readonly children: readonly {
    readonly id: string;
    readonly queue: 'gate' | 'spawn' | 'prune' | 'sample';
    readonly state: string;
    readonly failure: string | null;
  }[];
  /** Its place in the line, the head is 1; null where it is not held, or so far behind that nobody counts. */
  readonly position: number | null;
  /** Who holds the room that it waits for, and until when, in words; null where it does not wait for room, or room is being made. */
  readonly whatWouldHelp: string | null;
  /** How many of its instances have come up, and how many were asked for. */
  readonly spawned: number;
  readonly of: number;
}

export interface SpawnedInstance {
  readonly id: string;
  /** Its directory, on the host that serves the pool. */
  readonly path: string;
}

/** A request as it was submitted. A lease's token hash stays inside: nobody has a use for it. */
export interface RequestedSpawn {
  readonly pool: string;
  readonly template: string;
  readonly count: number;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  /** What each instance has beside them, by its index; null where all have the same. */
  readonly paramsEach: readonly Readonly<Record<string, string | number | boolean>>[] | null;
  /** What was asked for in place of the config's budget. */
  readonly budget: {
    readonly cpu?: number | undefined;
    readonly ramGb?: number | undefined;
    readonly vramGb?: number | undefined;
  } | null;
  readonly parent: string | null;
  readonly from: string | null;
  readonly experiment: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly notes: string;
  readonly lease: { readonly owner: string; readonly ms: number } | null;
  readonly ttlMs: number | null;
  readonly replicas: Replicas | null;
  readonly maxWaitMs: number | null;
  /** Who submitted it: the name of a token, or `user@host`; null where that is not known. */
  readonly by: string | null;
}

export interface Replicas {
  readonly epochs: number;
  readonly slicesPerEpoch: number;
  readonly replicasPerSlice: number;
}

/** Where a request stands, as it changes. The last event is `ready`, `rejected` or `failed`. */
export type RequestEvent =
  | Exclude<RequestProgress, { readonly phase: 'held' | 'spawning' | 'done' }>
  /** `position` in the line, the head is 1; null where the line is not known. `until`: then it is rejected. */
  | (Extract<RequestProgress, { readonly phase: 'held' }> & { readonly position: number | null })
  /** So many of its instances have come up. `oversize`: ids of those that are at their cap, or too large. */
  | {
      readonly phase: 'spawning';
      readonly reason: string;
      readonly spawned: number;
      readonly of: number;
      readonly oversize: readonly string[];
    }
  | { readonly phase: 'ready'; readonly reason: string; readonly oversize: readonly string[] };

/** An instance that is larger than `disk.max_instance_gb`, or at its cap, as it was measured last. */
export interface OversizeView {
  readonly id: string;
  readonly request: string | null;
  /** The kernel refuses what it writes. */
  readonly atCap: boolean;
  readonly ownBytes: number;
  /** Null where nothing but the audit log keeps it from growing. */
  readonly capBytes: number | null;
}

/** Results that were collected: when that was begun, and the directory or archive that they went to, on the pool's host. */
export interface CollectedView {
  readonly at: string | null;
  readonly to: string;
  readonly files: number;
  readonly bytes: number;
  /** How many entries that match were left out: `spica-collected.json` there names them. */
  readonly skipped: number;
}

/** What came of collecting instances. */
export interface CollectView {
  readonly collected: readonly ({ readonly id: string } & CollectedView)[];
  /** Nothing is to be collected of these any more. */
  readonly forgone: readonly string[];
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
}

/** What an action on many would be done with. */
export interface ActionPreview {
  readonly matched: number;
  /** What they take by themselves: deleting them frees so much. */
  readonly ownBytes: number;
  /** The first 20 of them. */
  readonly sample: readonly string[];
  /** What does the same at a terminal. */
  readonly commandLine: string;
}

/** What came of an action on many: of each that it could not be done with, why. */
export interface ActionView {
  readonly matched: number;
  readonly done: number;
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
}

/** What was measured, and what was not there (any more). */
export interface SampleView {
  readonly measured: readonly InstanceView[];
  readonly vanished: readonly string[];
}

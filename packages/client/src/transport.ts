import type { TournamentHead, TournamentRecord } from '@spica/core';
import type {
  AuditPage,
  AuditRecord,
  GrowResult,
  LineageVerdict,
  Preview,
  PrunePlan,
  PruneResult,
  WhatIfPlan,
} from '@spica/queues';
import type {
  ActionPreview,
  ActionView,
  CollectView,
  DiskHistory,
  InstancePage,
  InstanceView,
  OversizeView,
  Page,
  PoolEvent,
  PoolView,
  ProfileView,
  RequestEvent,
  RequestView,
  SampleView,
  SpaceNode,
  SpawnedInstance,
} from './view.ts';
import type { ActionAsked, Caller, PreflightAsked, PruneLimits, RequestBody, WhatIf } from './wire/bodies.ts';
import type {
  AuditQuery,
  HistoryQuery,
  ListQuery,
  RequestsQuery,
  SpaceQuery,
  TournamentsQuery,
} from './wire/queries.ts';

export interface SubmittedRequest {
  readonly id: string;
  /** False where the key had been used for the same request before: then it is that one. */
  readonly created: boolean;
}

export interface RequestEnd {
  readonly instances: readonly SpawnedInstance[];
}

/** A lease as it was granted: from now on it ends at `expiresAt` (epoch milliseconds, by the clock of who granted it). */
export interface LeaseGrant {
  readonly outcome: 'granted' | 'renewed';
  readonly owner: string;
  readonly expiresAt: number;
}

export interface LeaseAsked {
  readonly owner: string;
  /** 32 hexadecimal digits; whoever has it may renew and release the lease. */
  readonly token: string;
  readonly ms: number;
  /** Takes it whoever has it; the audit log tells. */
  readonly force?: boolean;
  /** Who asks, where that is not the owner: it is they who stand in the audit log. */
  readonly by?: Caller;
}

export interface ReleaseAsked {
  /** Null only with `force`, or with `discard` where no lease is in force. */
  readonly token: string | null;
  /** Nobody needs the instance any more: `retention.keep_after_lease` does not keep it, and it goes first. */
  readonly discard: boolean;
  readonly force?: boolean;
  readonly by: Caller;
}

/** On whose behalf something is done: it stands in the audit log. */
export interface OnBehalf {
  readonly by: Caller;
}

/** How long a call waits for the pool's worker; by default as long as one serves the pool. */
export interface Asking {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface CollectAsked extends OnBehalf, Asking {
  /** Null for those that each has; none for nothing any more. */
  readonly patterns: readonly string[] | null;
}

export interface GrowAsked extends OnBehalf, Asking {
  readonly capBytes: number;
  /** How long it may be held for want of room; null for the pool's `gate.max_wait`. */
  readonly maxWaitMs?: number | null;
}

/**
 * One pool as a client reaches it, over Redis or HTTP: the same behaviour, and the same errors. What is not there any more
 * throws InstanceGoneError or CheckError REQUEST_UNKNOWN, bad input UsageError, whatever is out of reach UnreachableError
 * (WORKER_UNREACHABLE where nobody serves the pool). A call that failed as unreachable may have been carried out.
 */
export interface Transport {
  readonly pool: string;

  /**
   * Submits a request; the lease's token is not in it, but its hash. Throws UsageError: PAYLOAD_INVALID, PARAM_INVALID,
   * REQUEST_TOO_LARGE, or KEY_REUSED where the key names a different request.
   */
  submit(body: RequestBody, options: OnBehalf & { readonly key: string | null }): Promise<SubmittedRequest>;
  request(id: string): Promise<RequestView>;
  /** Newest first. */
  requests(query: RequestsQuery): Promise<Page<RequestView>>;
  /**
   * Where a request stands, from now to its end. `after`: the `id` of the last event that was seen; whoever resumes gets
   * the present one if it is another.
   */
  events(
    id: string,
    options: { readonly after?: string | null; readonly signal?: AbortSignal },
  ): AsyncIterable<{ readonly id: string; readonly event: RequestEvent }>;
  /**
   * Waits for a request's end, through restarts of what is between. Throws RefusedError (`details`: the sum of the
   * decision, where the gate made one), CheckError as it failed, TimedOutError WAIT_TIMED_OUT, and the signal's reason;
   * in the last two cases the request goes on.
   */
  wait(
    id: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RequestEnd>;
  /** `completed` where it comes too late, and changes nothing. */
  cancel(id: string, by: OnBehalf): Promise<'cancelled' | 'completed'>;

  /** Which instances, of the pool or of a request, are at their cap, or too large. */
  oversize(of: { readonly request: string | null }): Promise<readonly OversizeView[]>;
  /**
   * The same, and again at each change of that; until the signal is aborted. `after`: the `id` of what was seen last; whoever
   * resumes gets those of now if they are others.
   */
  oversizeFollow(options: {
    readonly request?: string | null;
    readonly after?: string | null;
    readonly signal: AbortSignal;
  }): AsyncIterable<{ readonly id: string; readonly instances: readonly OversizeView[] }>;

  /** Over HTTP a query names at most 500 ids. */
  instances(query: ListQuery): Promise<InstancePage>;
  instance(id: string): Promise<InstanceView>;
  /** Throws InstanceGoneError, CheckError INSTANCE_LEASED (`details`: owner, expiresAt), LeaseLostError LEASE_REFUSED. */
  lease(id: string, asked: LeaseAsked): Promise<LeaseGrant>;
  /** `none`: there was no lease in force. Throws InstanceGoneError, CheckError INSTANCE_LEASED. */
  releaseLease(id: string, asked: ReleaseAsked): Promise<'released' | 'discarded' | 'none'>;
  pin(id: string, pin: { readonly by: string; readonly why: string }): Promise<void>;
  unpin(id: string, by: OnBehalf): Promise<void>;
  score(id: string, value: number | null): Promise<void>;
  /**
   * Raises the cap of an instance once there is room. Throws RefusedError GROW_REFUSED with the sum where there is none
   * within the time, or never.
   */
  grow(id: string, asked: GrowAsked): Promise<GrowResult>;
  /** Brings an instance back from the trash. */
  restore(id: string, asked: OnBehalf & Asking): Promise<void>;
  /** Measures these, or (null) those that are due. */
  sample(ids: readonly string[] | null, asked?: Asking): Promise<SampleView>;
  /** Collects what matches of these, leased or not: by these patterns from now on, or (null) by those that they have. */
  collect(ids: readonly string[], asked: CollectAsked): Promise<CollectView>;
  verify(id: string, asked?: Asking): Promise<LineageVerdict>;
  /** What an action on many would be done with. Changes nothing. */
  previewAction(asked: ActionAsked): Promise<ActionPreview>;
  /**
   * Does one thing with many instances, each for itself. What is leased, pinned, in use or has unsaved work is not pruned.
   * Throws CheckError MATCH_CHANGED, with nothing done, where they are not as many as `confirm` says.
   */
  act(asked: ActionAsked, by: OnBehalf & { readonly force: boolean }): Promise<ActionView>;

  /** What the gate would do with a request as things stand. Changes nothing. */
  preflight(asked: PreflightAsked, asking?: Asking): Promise<Preview>;
  /** What a prune would do now, sealed under a digest for an hour. */
  plan(limits: PruneLimits, asking?: Asking): Promise<PrunePlan>;
  /** What a prune would do under other limits. Seals nothing. */
  whatIf(limits: WhatIf, asking?: Asking): Promise<WhatIfPlan>;
  /** Carries out exactly a sealed plan; `reason` goes into the audit log. Throws UsageError PLAN_UNKNOWN, PLAN_TOO_OLD. */
  execute(digest: string, asked: OnBehalf & Asking & { readonly reason?: string }): Promise<PruneResult>;

  auditTail(query: AuditQuery, asking?: Asking): Promise<AuditPage>;
  /** Each entry from now on, or after the one with the `seq` `after`; until the signal is aborted. */
  auditFollow(options: { readonly after?: number; readonly signal: AbortSignal }): AsyncIterable<AuditRecord>;

  /** Keeps the record of a tournament that is over, in place of what was kept under its id. Throws UsageError TOURNAMENT_TOO_LARGE. */
  saveTournament(record: TournamentRecord): Promise<void>;
  /** Throws CheckError TOURNAMENT_UNKNOWN. */
  tournament(id: string): Promise<TournamentRecord>;
  /** Newest first. */
  tournaments(query: TournamentsQuery): Promise<Page<TournamentHead>>;

  poolStatus(): Promise<PoolView>;
  /** What changes in the pool, until the signal is aborted; `after`: the `seq` of the last entry of the audit log that was seen. */
  watch(options: { readonly after?: number; readonly signal: AbortSignal }): AsyncIterable<PoolEvent>;
  history(query: HistoryQuery): Promise<DiskHistory>;
  /** What instances become, and how well that was foretold. */
  profiles(): Promise<Page<ProfileView>>;
  /** What takes the pool's space. */
  space(query: SpaceQuery): Promise<SpaceNode>;

  /** Ends the connection; what waits then throws. */
  close(): Promise<void>;
}

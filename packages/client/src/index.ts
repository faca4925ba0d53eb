export type { TournamentHead, TournamentPlan, TournamentRecord } from '@spica/core';
export {
  CheckError,
  RefusedError,
  RefusedError as RejectedError,
  SpicaError,
  TimedOutError,
  UnreachableError,
  UsageError,
} from '@spica/core';
export type {
  AuditRecord,
  GrowResult,
  LineageVerdict,
  Preview,
  PrunePlan,
  PruneResult,
  WhatIfPlan,
} from '@spica/queues';
export type { AuditLog } from './audit.ts';
export { Batch } from './batch.ts';
export type { ConnectOptions } from './connect.ts';
export { InstanceGoneError, LeaseLostError } from './errors.ts';
export { HeldLease } from './held-lease.ts';
export { Instance } from './instance.ts';
export type { Instances } from './instances.ts';
export type {
  CallOptions,
  GrowOptions,
  LeaseOptions,
  ListOptions,
  PlanOptions,
  PreflightOptions,
  SpawnOptions,
} from './options.ts';
export type { SpawnRequestHandle } from './request.ts';
export { Spica } from './spica.ts';
export { LineageChangedError } from './tournament/lineage.ts';
export type { FinishOptions, ReplicaOutcome, TournamentOptions } from './tournament/options.ts';
export { Tournament } from './tournament/tournament.ts';
export type { Tournaments } from './tournament/tournaments.ts';
export type {
  CollectedView,
  CollectView,
  InstanceView,
  OversizeView,
  PoolView,
  RequestEvent,
  RequestView,
  SampleView,
  VerdictView,
} from './view.ts';

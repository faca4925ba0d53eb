export {
  CheckError,
  RefusedError,
  SpicaError,
  TimedOutError,
  UnreachableError,
  UsageError,
} from '@spica/core';
export { Batch } from './batch.ts';
export { InstanceGoneError, LeaseLostError } from './errors.ts';
export { HeldLease } from './held-lease.ts';
export { Instance } from './instance.ts';
export type { Instances } from './instances.ts';
export type { LeaseOptions, ListOptions, SpawnOptions } from './options.ts';
export type { ReadyOptions, RequestEvent, SpawnRequestHandle } from './request.ts';
export { type ConnectOptions, Spica } from './spica.ts';
export type { InstanceView } from './view.ts';

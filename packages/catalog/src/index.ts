export * from './catalog.ts';
export type { GateFigures, HeldRequest, PublishedGate, PublishedLine } from './gate.ts';
export type { DeletionBy } from './instances.ts';
export { type Change, hashLeaseToken, newLeaseToken } from './leases.ts';
export { SCHEDULE_NAMES, type ScheduleName } from './schedules.ts';
export type { Server } from './serving.ts';
export type { Identity } from './stored.ts';
export * from './values.ts';
export { toInstanceView } from './view.ts';

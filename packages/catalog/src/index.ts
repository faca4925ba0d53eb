export * from './catalog.ts';
export type { DiskMarks } from './disk.ts';
export type {
  AuditCheck,
  DiskSeen,
  GateFigures,
  HeldRequest,
  PoolFacts,
  PublishedGate,
  PublishedLine,
} from './gate.ts';
export type { DeletionBy } from './instances.ts';
export { type Change, hashLeaseToken, newLeaseToken } from './leases.ts';
export { SCHEDULE_NAMES, type ScheduleName } from './schedules.ts';
export type { Server } from './serving.ts';
export { createSessions, LINK_MS, SESSION_LONGEST_MS, type Sessions } from './sessions.ts';
export type { Identity } from './stored.ts';
export { createTokens, TOKEN_ROLES, type Token, type TokenRole, type Tokens } from './tokens.ts';
export * from './values.ts';
export { toInstanceView } from './view.ts';

export * from './catalog.ts';
export type { GateState, RequestStart } from './gate-state.ts';
export { hashLeaseToken, newLeaseToken } from './leases.ts';
export * from './values.ts';

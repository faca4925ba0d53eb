export * from './catalog.ts';
export { hashLeaseToken, newLeaseToken } from './leases.ts';

import { hashLeaseToken } from '@spica/catalog';
import type { GatePayload } from '@spica/queues';
import { aRequest } from '../support/stack.ts';

export const FINGERPRINT = '0'.repeat(16);
/** What is reserved for each instance: three times what its clone takes, so that there is growth to be counted. */
const EACH = { bytes: 3 * 4096, inodes: 9 };

/** A request's job in the gate's queue: what outlasts the worker of it. */
export interface GateJob {
  readonly state: 'active' | 'completed' | 'failed';
  readonly data: GatePayload;
  /** Its instances became ready: the job itself may not have ended, where the worker was killed in between. */
  readonly isCollected: boolean;
}

/** By request. */
export type GateJobs = Map<string, GateJob>;

/**
 * The job of a request that was admitted, as the gatekeeper saves it. `leaseMs`: null for no lease; `number`: another
 * for each request.
 */
export function admittedJob(
  number: number,
  { count, leaseMs, submittedAt }: { count: number; leaseMs: number | null; submittedAt: number },
): GateJob {
  const lease =
    leaseMs === null ? null : { owner: 'runner', tokenHash: hashLeaseToken('runner'), ms: leaseMs };
  return {
    state: 'active',
    isCollected: false,
    data: {
      request: { ...aRequest('main'), count, lease },
      submittedAt,
      life: number.toString(16).padStart(8, '0'),
      step: 'spawn',
      round: 1,
      heldAt: null,
      fingerprint: null,
      prepared: 0,
      preparation: null,
      admitted: { fingerprint: FINGERPRINT, generation: 0, each: EACH, expected: EACH },
      failure: null,
    },
  };
}

/** Those that have not ended, as BullMQ lists them. */
export function openJobs(jobs: GateJobs) {
  return [...jobs].flatMap(([id, { state, ...job }]) =>
    state === 'active' ? [{ id, progress: {}, ...job }] : [],
  );
}

import { type GateFacts, type GateRequest, Ledger, NO_LIMITS } from '../../src/index.ts';

export const NOW = 1_700_000_000_000;

/** A pool with 100 bytes for work: 120 available, and a floor of 20. */
export function facts(change: Partial<GateFacts> = {}): GateFacts {
  return {
    now: NOW,
    terms: {
      barrierAfterMs: 60_000,
      maxWaiting: null,
      maxSpawnsPerHour: null,
      breaker: { failures: 3, cooldownMs: 300_000 },
      maxInstances: 10,
    },
    cancelled: false,
    line: { head: null, length: 0 },
    limits: NO_LIMITS,
    trouble: null,
    doubt: null,
    bounds: [],
    space: { availableBytes: 120, totalBytes: 200, freeInodes: null, totalInodes: null },
    landed: { bytes: 0, inodes: 0 },
    floor: { bytes: 20, inodes: 0 },
    need: need(40),
    preparation: null,
    relief: null,
    ...change,
  };
}

export function need(bytes: number, count = 1) {
  return {
    count,
    perInstance: { bytes, inodes: 0 },
    certain: { bytes, inodes: 0 },
    basis: { from: 'samples', n: 3 },
    safetyFactor: 1,
    replicas: null,
  } as const;
}

export function request(change: Partial<GateRequest> = {}): GateRequest {
  return { id: 'r', template: 'default', count: 1, heldAt: null, maxWaitMs: 600_000, ...change };
}

/** The sums of a ledger in which something has been done. */
export function sums(arrange: (ledger: Ledger) => void = () => undefined) {
  const ledger = new Ledger();
  arrange(ledger);
  return ledger.sums(NOW);
}

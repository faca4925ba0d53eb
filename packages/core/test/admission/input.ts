import type { AdmissionInput } from '../../src/index.ts';

/** The sum that the docs use: 61 GB available, 17.5 GB of them free to reserve. */
export function admissionInput(change: Partial<AdmissionInput> = {}): AdmissionInput {
  return {
    count: 8,
    perInstance: { bytes: 1.55e9, inodes: 3_000 },
    certain: { bytes: 0.5e9, inodes: 1_000 },
    basis: { from: 'samples', n: 120 },
    safetyFactor: 1,
    replicas: null,
    space: { availableBytes: 61e9, totalBytes: 144e9, freeInodes: 900_000, totalInodes: 1_000_000 },
    reserved: { bytes: 9.3e9, inodes: 10_000, slots: 4 },
    growth: { bytes: 14.2e9, inodes: 20_000 },
    floor: { bytes: 20e9, inodes: 50_000 },
    bounds: [],
    instances: 10,
    maxInstances: 40,
    ...change,
  };
}

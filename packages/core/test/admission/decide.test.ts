import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdmissionInput, decideAdmission } from '../../src/index.ts';
import { admissionInput } from './input.ts';

const whole = (max: number) => fc.integer({ min: 0, max });
const size = fc.record({ bytes: whole(5e9), inodes: whole(50_000) });

const inputs: fc.Arbitrary<AdmissionInput> = fc.record({
  count: fc.integer({ min: 1, max: 20 }),
  perInstance: size,
  certain: size,
  basis: fc.constant({ from: 'samples' as const, n: 3 }),
  safetyFactor: fc.constantFrom(1, 1.1, 2),
  replicas: fc.option(
    fc.record({
      plan: fc.record({ epochs: whole(3), slicesPerEpoch: whole(3), replicasPerSlice: whole(3) }),
      basis: fc.oneof(
        fc.constant({ from: 'overhead' as const, overhead: 0.2 }),
        size.map((each) => ({ from: 'samples' as const, n: 4, size: each })),
      ),
    }),
    { nil: null },
  ),
  space: fc
    .tuple(whole(200e9), whole(200e9), whole(1e6), whole(1e6), fc.boolean())
    .map(([free, used, freeInodes, usedInodes, limited]) => ({
      availableBytes: free,
      totalBytes: free + used,
      freeInodes: limited ? freeInodes : null,
      totalInodes: limited ? freeInodes + usedInodes : null,
    })),
  reserved: fc.record({ bytes: whole(50e9), inodes: whole(100_000), slots: whole(20) }),
  growth: fc.record({ bytes: whole(50e9), inodes: whole(100_000) }),
  floor: fc.record({ bytes: whole(30e9), inodes: whole(50_000) }),
  bounds: fc.array(
    fc.record({
      name: fc.constant('on /below'),
      availableBytes: fc.integer({ min: -1e9, max: 200e9 }),
      totalBytes: fc.option(whole(200e9), { nil: null }),
      floorBytes: whole(30e9),
      unwrittenBytes: fc.constantFrom(0, 7),
      isFreedByDeletion: fc.boolean(),
      reservedBytes: whole(50e9),
      growthBytes: whole(50e9),
    }),
    { maxLength: 2 },
  ),
  instances: whole(30),
  maxInstances: fc.integer({ min: 1, max: 60 }),
});

describe('a decision', () => {
  it('admits only what leaves the floor alone once all reservations and all growth came true, in bytes and inodes', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { verdict, need } = decideAdmission(input);
        if (verdict !== 'admit') return;
        const { space, reserved, growth, floor } = input;
        expect(space.availableBytes - reserved.bytes - growth.bytes - need.bytes).toBeGreaterThanOrEqual(
          floor.bytes,
        );
        for (const bound of input.bounds) {
          const left = bound.availableBytes - bound.reservedBytes - bound.growthBytes - need.bytes;
          expect(left).toBeGreaterThanOrEqual(bound.floorBytes);
        }
        if (space.freeInodes !== null) {
          expect(space.freeInodes - reserved.inodes - growth.inodes - need.inodes).toBeGreaterThanOrEqual(
            floor.inodes,
          );
        }
        expect(input.instances + reserved.slots + need.slots).toBeLessThanOrEqual(input.maxInstances);
      }),
    );
  });

  it('refuses nothing that there is room for, and says how much is missing to the byte', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { verdict, shortfall } = decideAdmission(input);
        if (verdict !== 'short') return;
        const { space, maxInstances } = input;
        const grant = (bytes: number) =>
          input.bounds.map((bound) => ({
            ...bound,
            availableBytes: bound.availableBytes + bytes,
            totalBytes: bound.totalBytes === null ? null : bound.totalBytes + shortfall.bytes,
          }));
        const enough = {
          ...input,
          space: {
            ...space,
            availableBytes: space.availableBytes + shortfall.bytes,
            totalBytes: space.totalBytes + shortfall.bytes,
            freeInodes: space.freeInodes === null ? null : space.freeInodes + shortfall.inodes,
            totalInodes: space.totalInodes === null ? null : space.totalInodes + shortfall.inodes,
          },
          maxInstances: maxInstances + shortfall.slots,
          bounds: grant(shortfall.bytes),
        };
        expect(decideAdmission(enough).verdict).toBe('admit');
        const bounds = grant(shortfall.bytes - 1);
        const oneLess = { ...enough.space, availableBytes: enough.space.availableBytes - 1 };
        if (shortfall.bytes > 0) {
          expect(decideAdmission({ ...enough, bounds, space: oneLess }).verdict).not.toBe('admit');
        }
      }),
    );
  });

  it('gives each instance an equal part of the need, so that reservations add up', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const { need, parts } = decideAdmission(input);
        expect(need.bytes).toBe(input.count * parts.perInstance.bytes);
        expect(need.inodes).toBe(input.count * parts.perInstance.inodes);
      }),
    );
  });

  it('shows the sum that it holds the need against', () => {
    expect(decideAdmission(admissionInput()).sum.bytes).toEqual({
      available: 61e9,
      reserved: 9.3e9,
      growth: 14.2e9,
      floor: 20e9,
      headroom: 17.5e9,
      bound: null,
    });
  });

  it('is made by what leaves the least, and names that: a disk below, or a ceiling', () => {
    const below = {
      name: 'on /srv (disk.also_watch)',
      availableBytes: 30e9,
      totalBytes: 100e9,
      floorBytes: 20e9,
      unwrittenBytes: 0,
      isFreedByDeletion: false,
      reservedBytes: 1e9,
      growthBytes: 2e9,
    };
    const roomy = { ...below, name: 'under disk.max_pool_gb', availableBytes: 90e9, floorBytes: 0 };
    const decision = decideAdmission(admissionInput({ bounds: [roomy, below] }));
    expect(decision).toMatchObject({
      verdict: 'short',
      sum: { bytes: { headroom: 7e9, bound: { name: below.name, isFreedByDeletion: false } } },
      shortfall: { bytes: 5.4e9, inodes: 0, slots: 0 },
    });
    expect(decision.sentence).toMatch(
      /; 30\.0 GB available on \/srv \(disk\.also_watch\) − 1\.0 reserved − 2\.0 growth − 20\.0 floor = 7\.0 GB \(and 17\.5 GB on the pool's own filesystem, 87\.0 GB under disk\.max_pool_gb\): 5\.4 GB short$/,
    );
    const image = { ...below, name: 'on /srv, where the image lies', unwrittenBytes: 2e9 };
    expect(decideAdmission(admissionInput({ bounds: [image] })).sentence).toContain(
      '30.0 GB available on /srv, where the image lies (32.0 GB less 2.0 GB that its btrfs has yet to write) − 1.0 reserved',
    );
    const tiny = { ...roomy, totalBytes: 3e9 };
    expect(decideAdmission(admissionInput({ bounds: [tiny] }))).toMatchObject({
      verdict: 'impossible',
      sentence: expect.stringMatching(/; there are 3\.0 GB under disk\.max_pool_gb: can never fit$/),
    });
    const unknown = { ...roomy, totalBytes: null, availableBytes: 0 };
    expect(decideAdmission(admissionInput({ bounds: [unknown] })).verdict).toBe('short');
  });
});

describe('a tournament of 8 candidates × 4 generations with 2 × 4 × 8 replicas on 144 GB', () => {
  const plan = { epochs: 2, slicesPerEpoch: 4, replicasPerSlice: 8 };
  const empty = admissionInput({
    space: { availableBytes: 124e9, totalBytes: 144e9, freeInodes: null, totalInodes: null },
    reserved: { bytes: 0, inodes: 0, slots: 0 },
    growth: { bytes: 0, inodes: 0 },
    instances: 0,
  });
  const overhead = { from: 'overhead', overhead: 0.2 } as const;

  it('is let in by the guess of 0.5 GB, which the disk does not bear out', () => {
    const guess = { ...empty, perInstance: { bytes: 0.5e9, inodes: 1 }, replicas: { plan, basis: overhead } };
    expect(decideAdmission(guess)).toMatchObject({ verdict: 'admit', need: { bytes: 55.2e9 } });
  });

  it('is more than the whole disk at 4.6 GB an instance and 20 % a replica, and says so before anything is spawned', () => {
    const measured = {
      ...empty,
      perInstance: { bytes: 4.6e9, inodes: 1 },
      replicas: { plan, basis: overhead },
    };
    expect(decideAdmission(measured)).toMatchObject({
      verdict: 'short',
      need: { bytes: 507_840_000_000 },
      sentence: expect.stringMatching(/the whole disk has no more: .*spica profile/),
    });
  });

  it('fits a generation at a time once it was measured what a replica adds', () => {
    const basis = { from: 'samples', n: 40, size: { bytes: 12e6, inodes: 1 } } as const;
    const generation = { ...empty, perInstance: { bytes: 4.6e9, inodes: 1 }, replicas: { plan, basis } };
    expect(decideAdmission(generation)).toMatchObject({ verdict: 'admit', need: { bytes: 42_944_000_000 } });
    const third = { ...generation, reserved: { bytes: 85_888_000_000, inodes: 0, slots: 16 } };
    expect(decideAdmission(third)).toMatchObject({ verdict: 'short', shortfall: { bytes: 24_832_000_000 } });
  });
});

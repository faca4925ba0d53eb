import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ExpectationInput, expectSize } from '../../src/index.ts';

function profile(n: number, bytes: number, inodes = 1_000) {
  return { n, bytes: { p95: bytes, max: bytes }, inodes: { p95: inodes, max: inodes } };
}
function expectation(change: Partial<ExpectationInput> = {}) {
  return expectSize({
    clone: { bytes: 0.5e9, inodes: 1_000 },
    snapshot: { bytes: 0.5e9, inodes: 1_000 },
    priorFactor: 2,
    template: null,
    experiment: null,
    set: null,
    ...change,
  });
}

describe('the size expected of an instance', () => {
  it('is a prior until something was measured, and says so', () => {
    expect(expectation()).toEqual({
      certain: { bytes: 0.5e9, inodes: 1_000 },
      perInstance: { bytes: 1e9, inodes: 2_000 },
      basis: { from: 'prior', factor: 2 },
    });
  });

  it("is the template's p95 from the first sample on", () => {
    expect(expectation({ template: profile(1, 1.55e9) })).toEqual({
      certain: { bytes: 0.5e9, inodes: 1_000 },
      perInstance: { bytes: 1.55e9, inodes: 1_000 },
      basis: { from: 'samples', n: 1 },
    });
  });

  it("is the experiment's own from its 10th finished instance on, though the template has more", () => {
    const template = profile(120, 1.55e9);
    const experiment = (n: number) => ({ name: 'e7', profile: profile(n, 3e9) });
    expect(expectation({ template, experiment: experiment(9) }).basis).toEqual({ from: 'samples', n: 120 });
    expect(expectation({ template, experiment: experiment(10) })).toMatchObject({
      perInstance: { bytes: 3e9 },
      basis: { from: 'samples', n: 10, experiment: 'e7' },
    });
  });

  it('is never less than what the clone allocates at once', () => {
    expect(expectation({ template: profile(40, 0.1e9, 10) })).toEqual({
      certain: { bytes: 0.5e9, inodes: 1_000 },
      perInstance: { bytes: 0.5e9, inodes: 1_000 },
      basis: { from: 'snapshot' },
    });
    const bytes = fc.integer({ min: 0, max: 9e9 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (clone, snapshot, p95) => {
        const input = { clone: { bytes: clone, inodes: 1 }, snapshot: { bytes: snapshot, inodes: 1 } };
        for (const template of [null, profile(3, p95)]) {
          expect(expectation({ ...input, template }).perInstance.bytes).toBeGreaterThanOrEqual(clone);
        }
      }),
    );
  });
});

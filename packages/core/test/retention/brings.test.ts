import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  backOffUntil,
  cameWhole,
  type Failure,
  failAgain,
  helpWithFailure,
  shareAfter,
} from '../../src/index.ts';

const MB = 1e6;

describe('what a shortfall teaches', () => {
  it('is nothing where all came back, but for a tenth or 8 MB of other work on the disk', () => {
    expect(shareAfter({ expected: 100 * MB, came: 100 * MB })).toBe(1);
    expect(shareAfter({ expected: 100 * MB, came: 90 * MB })).toBe(1);
    expect(shareAfter({ expected: 20 * MB, came: 12 * MB })).toBe(1);
    expect(shareAfter({ expected: 100 * MB, came: 250 * MB })).toBe(1);
  });

  it('is that further deletions bring as little, and nothing where nothing came, or others wrote more', () => {
    expect(shareAfter({ expected: 100 * MB, came: 25 * MB })).toBe(0.25);
    expect(shareAfter({ expected: 100 * MB, came: 0 })).toBe(0);
    expect(shareAfter({ expected: 100 * MB, came: -30 * MB })).toBe(0);
  });

  it('is a part between none and all, and all of it exactly where it came whole', () => {
    const bytes = fc.integer({ min: 9 * MB, max: 1e12 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: -1e12, max: 1e12 }), (expected, came) => {
        const share = shareAfter({ expected, came });
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
        expect(share === 1).toBe(cameWhole({ expected, came }));
      }),
    );
  });
});

describe('what could not be deleted', () => {
  const minutesAfter = (failure: Failure) => (backOffUntil(failure) - failure.at) / 60_000;

  it('is tried again after a minute, then after twice as long each time, up to an hour', () => {
    let failure: Failure | null = null;
    const waits: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      failure = failAgain(failure, 'EPERM', i * 1_000).failure;
      waits.push(minutesAfter(failure));
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(failure).toMatchObject({ since: 0, at: 8_000, tries: 9 });
    expect(minutesAfter({ cause: '', since: 0, at: 0, tries: 5_000 })).toBe(60);
  });

  it('is news for each cause once', () => {
    const first = failAgain(null, 'EPERM', 5);
    expect(first.isNews).toBe(true);
    const again = failAgain(first.failure, 'EPERM', 6);
    expect(again.isNews).toBe(false);
    expect(failAgain(again.failure, 'EBUSY', 7).isNews).toBe(true);
  });

  it('says what helps, by what the programs complain of', () => {
    const help = (cause: string) => helpWithFailure({ cause });
    expect(help("rm: cannot remove 'a': Operation not permitted")).toMatch(/chattr -R -i/);
    expect(help("rm: cannot remove 'a': Permission denied")).toMatch(/as its owner or as root/);
    expect(help('MOUNT_INSIDE: instance a: something is mounted in it')).toMatch(/^unmount/);
    expect(help("rm: cannot remove 'a': Read-only file system")).toMatch(/read-only/);
    expect(help('whatever')).toMatch(/then `spica prune` tries again at once$/);
  });
});

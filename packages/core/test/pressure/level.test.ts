import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteLevels,
  inodeLevels,
  isWorse,
  nextCheckMs,
  nextLevel,
  type PressureLevel,
} from '../../src/index.ts';

const NO_TARGET = { targetFreeGb: null };
const at = (freeGb: number, previous: PressureLevel = 'ok', floorGb = 20) =>
  nextLevel(previous, [byteLevels(NO_TARGET, freeGb * 1e9, floorGb * 1e9)]);

describe('levels of pressure', () => {
  it('are entered at once: low below the target, short below the floor, critical below half of it', () => {
    expect([30, 29.9, 20, 19.9, 10, 9.9, 0].map((free) => at(free))).toEqual([
      'ok',
      'low',
      'low',
      'short',
      'short',
      'critical',
      'critical',
    ]);
    expect(at(3, 'ok', 20)).toBe('critical');
  });

  it('are left only with a margin over where they began', () => {
    expect([10.4, 10.6].map((free) => at(free, 'critical'))).toEqual(['critical', 'short']);
    expect([20.9, 21.1].map((free) => at(free, 'short'))).toEqual(['short', 'low']);
    expect([31.4, 31.6].map((free) => at(free, 'low'))).toEqual(['low', 'ok']);
    expect(at(20.5, 'critical')).toBe('short');
  });

  it('follow the target where one is set', () => {
    const figures = byteLevels({ targetFreeGb: 50 }, 49e9, 20e9);
    expect(nextLevel('ok', [figures])).toBe('low');
  });

  it('are critical below 2 GB too, but not on a disk whose floor is smaller than that', () => {
    expect(at(1.9, 'ok', 3)).toBe('critical');
    expect([0.05, 0.035, 0.03, 0.015].map((free) => at(free, 'ok', 0.032))).toEqual([
      'ok',
      'low',
      'short',
      'critical',
    ]);
  });

  it('are critical on a full disk even without a floor', () => {
    expect([at(1, 'ok', 0), at(0, 'ok', 0)]).toEqual(['ok', 'critical']);
  });

  it('are by what is shortest: inodes count as bytes do', () => {
    const bytes = byteLevels(NO_TARGET, 100e9, 20e9);
    const level = (free: number) => nextLevel('ok', [bytes, inodeLevels(free, 50_000)]);
    expect([80_000, 70_000, 40_000, 20_000].map(level)).toEqual(['ok', 'low', 'short', 'critical']);
    expect(nextLevel('ok', [bytes, inodeLevels(0, 0)])).toBe('ok');
  });

  it('never say better than it is, and come to rest', () => {
    const level = fc.constantFrom<PressureLevel>('ok', 'low', 'short', 'critical');
    fc.assert(
      fc.property(level, fc.double({ min: 0, max: 60, noNaN: true }), (previous, free) => {
        const next = at(free, previous);
        expect(isWorse(at(free), next)).toBe(false);
        expect(at(free, next)).toBe(next);
      }),
    );
  });
});

describe('the disk is looked at', () => {
  const check = (level: PressureLevel, soonestMs: number | null, checkEveryMs = 5_000) =>
    nextCheckMs({
      level,
      checkEveryMs,
      forecast:
        soonestMs === null
          ? { trend: 'stable' }
          : { trend: 'filling', soonestMs, untilFloorMs: 0, latestMs: 0, bytesPerHour: 1 },
    });

  it('every check_every, and every second when the floor is near or passed', () => {
    expect(check('ok', null)).toBe(5_000);
    expect(check('low', 6 * 60_000)).toBe(5_000);
    expect(check('ok', 5 * 60_000)).toBe(1_000);
    expect(check('short', null)).toBe(1_000);
    expect(check('critical', null, 200)).toBe(200);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkRate,
  compareHeld,
  describeBarrier,
  findBarrier,
  recentStarts,
  refuseAsFull,
} from '../../src/index.ts';

const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

describe('max_spawns_per_hour', () => {
  it('lets so many instances be spawned within any hour, and says when the next may', () => {
    const starts = [
      { at: NOW - 50 * 60_000, count: 8 },
      { at: NOW - 10 * 60_000, count: 8 },
    ];
    expect(checkRate({ starts, count: 8, most: 24, now: NOW })).toEqual({ verdict: 'within' });
    expect(checkRate({ starts, count: 8, most: 20, now: NOW })).toEqual({
      verdict: 'later',
      at: NOW + 10 * 60_000,
      reason: '16 spawned in the last hour + 8 asked for, max_spawns_per_hour is 20: in 10m',
    });
    expect(checkRate({ starts, count: 21, most: 20, now: NOW })).toEqual({
      verdict: 'never',
      reason: 'asks for 21 instances; max_spawns_per_hour is 20',
    });
  });

  it('has no limit by default', () => {
    expect(checkRate({ starts: [], count: 1_000, most: null, now: NOW }).verdict).toBe('within');
  });

  it('never lets more through in any window, and always does at the time it named', () => {
    const requests = fc.array(
      fc.record({ gap: fc.integer({ min: 0, max: HOUR }), count: fc.integer({ min: 1, max: 9 }) }),
    );
    fc.assert(
      fc.property(requests, (asked) => {
        let starts: { at: number; count: number }[] = [];
        let now = NOW;
        for (const { gap, count } of asked) {
          now += gap;
          const answer = checkRate({ starts, count, most: 10, now });
          if (answer.verdict === 'later') {
            expect(checkRate({ starts, count, most: 10, now: answer.at - 1 }).verdict).toBe('later');
            now = answer.at;
          }
          expect(checkRate({ starts, count, most: 10, now }).verdict).toBe('within');
          starts = [...recentStarts(starts, now), { at: now, count }];
          expect(starts.reduce((sum, start) => sum + start.count, 0)).toBeLessThanOrEqual(10);
        }
      }),
    );
  });

  it('is over an hour after a clock was set back', () => {
    const starts = [{ at: NOW + 24 * HOUR, count: 10 }];
    expect(checkRate({ starts, count: 1, most: 10, now: NOW })).toMatchObject({ at: NOW + HOUR });
  });
});

describe('max_waiting', () => {
  it('turns away at once what comes when so many are held', () => {
    expect(refuseAsFull(40, 40)).toBe('queue full: 40 requests are held, max_waiting is 40');
    expect(refuseAsFull(39, 40)).toBeNull();
    expect(refuseAsFull(10_000, null)).toBeNull();
  });
});

describe('a barrier', () => {
  const held = [
    { request: 'big', heldAt: NOW - 61_000 },
    { request: 'late', heldAt: NOW - 5_000 },
  ];
  const find = (request: string, list = held) => {
    const [head = null] = [...list].sort(compareHeld);
    return findBarrier({ head, request, now: NOW, barrierAfterMs: 60_000 })?.request ?? null;
  };

  it('is a request that was held for too long, for all that come after it', () => {
    expect(find('late')).toBe('big');
    expect(find('new')).toBe('big');
    expect(find('big')).toBeNull();
    expect(describeBarrier({ request: 'big', heldAt: NOW - 61_000 }, NOW)).toBe(
      'waits behind request big, which has been held for 1m1s',
    );
  });

  it('is none before its time: smaller requests may pass', () => {
    expect(find('new', [{ request: 'big', heldAt: NOW - 60_000 }])).toBeNull();
  });

  it('stays one when the clock is set back, and among equals only one waits for the other', () => {
    expect(find('new', [{ request: 'big', heldAt: NOW + HOUR }])).toBe('big');
    const equals = ['a', 'b'].map((request) => ({ request, heldAt: NOW - 61_000 }));
    expect([find('a', equals), find('b', equals)]).toEqual([null, 'a']);
  });
});

import type { ClockState } from '@spica/catalog';
import { expect, it } from 'vitest';
import { createClockGuard } from '../../src/clock/guard.ts';

it('reports whole milliseconds, however far ahead the clock was set', async () => {
  let wall = 1_000_000_000_000;
  let monotonic = 0;
  const clockState = async (): Promise<ClockState> => ({
    redisNow: wall,
    suspended: null,
    acceptedOffsetMs: 0,
    confirmations: 0,
  });
  const guard = createClockGuard({
    catalog: { clockState, suspendAges: async () => undefined },
    clock: { now: () => wall },
    monotonic: () => monotonic,
  });
  expect(await guard.suspended()).toBeNull();
  wall += 90_000_000;
  monotonic += 1_234.567_89;
  expect(await guard.suspended()).toContain('jumped forward');
  expect(guard.now()).toBe(1_000_000_001_235);
});

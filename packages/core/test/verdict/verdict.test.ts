import { expect, it } from 'vitest';
import { type VerdictInput, verdictOf } from '../../src/index.ts';

const NOW = Date.parse('2026-11-29T13:58:00Z');
const HOUR = 3_600_000;
const FILLING = { trend: 'filling', soonestMs: 1, latestMs: 2, bytesPerHour: 1e9 } as const;
const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

const CALM: VerdictInput = {
  now: NOW,
  served: true,
  at: NOW - 1_000,
  disk: { availableBytes: 61e9, floorBytes: 20e9 },
  imageHost: null,
  pressure: { level: 'ok', reason: null },
  forecast: { trend: 'stable' },
  held: { count: 0, head: null },
  worries: [],
};
const say = (change: Partial<VerdictInput>) => verdictOf({ ...CALM, ...change });
const filling = (hours: number) => ({ ...FILLING, untilFloorMs: hours * HOUR });
const pressure = (level: NonNullable<VerdictInput['pressure']>['level'], reason: string | null = null) => ({
  level,
  reason,
});
const held = (
  count: number,
  shortfall: Partial<typeof NOTHING> | null,
  frees: { count: number; minutes: number; by: 'leases' | 'kept' } | null = null,
): VerdictInput['held'] => ({
  count,
  head: {
    reason: 'the breaker is open',
    short: shortfall && {
      shortfall: { ...NOTHING, ...shortfall },
      frees: frees && { count: frees.count, by: frees.by, until: NOW + frees.minutes * 60_000 },
    },
  },
});

it.each<[string, string, Partial<VerdictInput>]>([
  ['safe', 'Safe: 41.0 GB above the floor, and not filling', {}],
  ['safe', 'Safe: 41.0 GB above the floor', { forecast: { trend: 'unknown' } }],
  ['safe', 'Safe: 41.0 GB above the floor, about 3 days at this rate', { forecast: filling(72) }],
  ['watch', 'Watch: 41.0 GB above the floor, about 5 h at this rate', { forecast: filling(5) }],
  ['watch', 'Watch: 41.0 GB above the floor, and not filling', { pressure: pressure('low') }],
  [
    'safe',
    'Safe: 1.0 GB above the floor of the disk under its image, and not filling',
    { imageHost: { availableBytes: 21e9, floorBytes: 20e9 } },
  ],
  [
    'short',
    'Two requests wait: 4.2 GB short until 14:40 UTC, when 2 leases end',
    { held: held(2, { bytes: 4.2e9 }, { count: 2, minutes: 42, by: 'leases' }) },
  ],
  [
    'short',
    'One request waits: 4.2 GB short until 2026-11-30 13:58 UTC, when an instance is kept no longer',
    { held: held(1, { bytes: 4.2e9 }, { count: 1, minutes: 24 * 60, by: 'kept' }) },
  ],
  ['short', '11 requests wait: 300 inodes short', { held: held(11, { inodes: 300 }) }],
  ['watch', 'Three requests wait: 1 slot short', { held: held(3, { slots: 1 }) }],
  ['watch', 'One request waits: the breaker is open', { held: held(1, null) }],
  [
    'short',
    'Short: 5.0 GB below the floor; one request waits: 9.0 GB short',
    {
      disk: { availableBytes: 15e9, floorBytes: 20e9 },
      pressure: pressure('short'),
      held: held(1, { bytes: 9e9 }),
    },
  ],
  [
    'critical',
    'Critical: 19.0 GB below the floor, spawns are paused',
    { disk: { availableBytes: 1e9, floorBytes: 20e9 }, pressure: pressure('critical') },
  ],
  [
    'critical',
    'Critical: the disk takes no writes (it is mounted read-only)',
    { pressure: pressure('unwritable', 'it is mounted read-only') },
  ],
  ['watch', 'Watch: the chain is broken; 41.0 GB above the floor', { worries: ['the chain is broken', 'x'] }],
  ['unknown', 'Unknown: nobody has served this pool yet (`spica up` does)', { at: null, disk: null }],
  ['unknown', 'Unknown: the disk has not been looked at yet', { disk: null }],
  [
    'unknown',
    'Unknown since 13:57 UTC: no worker serves this pool; then it had 41.0 GB above the floor',
    { served: false, held: held(2, null) },
  ],
])('is %s: %s', (level, sentence, change) => {
  expect(say(change)).toMatchObject({ level, sentence });
});

it('names the time of its sentence beside it, and none where it names none', () => {
  const waiting = held(2, { bytes: 1 }, { count: 2, minutes: 42, by: 'leases' });
  expect(say({ held: waiting }).until).toBe(NOW + 42 * 60_000);
  expect(say({ held: waiting, pressure: pressure('critical') }).until).toBe(NOW + 42 * 60_000);
  expect(say({}).until).toBeNull();
});

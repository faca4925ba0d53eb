import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeForecast,
  type Forecast,
  forecastAfter,
  forecastBand,
  forecastFloor,
  RUSH_WINDOW_MS,
  rememberPoint,
  splitUse,
  TREND_WINDOW_MS,
} from '../../src/index.ts';

const HOUR = 3_600_000;
const NOW = 1_700_000_000_000;

/** One point a minute over `hours`, free GB by hours from the beginning. */
function history(hours: number, freeGb: (hour: number) => number) {
  const points: { at: number; availableBytes: number }[] = [];
  for (let minute = hours * 60; minute >= 0; minute -= 5) {
    points.push({ at: NOW - minute * 60_000, availableBytes: freeGb(hours - minute / 60) * 1e9 });
  }
  return points;
}
function forecast(points: ReturnType<typeof history>, windowMs = TREND_WINDOW_MS) {
  return forecastFloor({ history: points, floorBytes: 20e9, now: NOW, windowMs });
}
function filling(found: Forecast) {
  if (found.trend !== 'filling') throw new Error(`expected a disk that fills, got ${found.trend}`);
  return found;
}
/** The same noise in every run. */
const noise = (hour: number) => Math.sin(hour * 997) + Math.sin(hour * 401);

describe('a forecast', () => {
  it('is the time until the floor, for a disk that fills steadily', () => {
    const found = filling(forecast(history(6, (hour) => 60 - 5 * hour)));
    expect(found.untilFloorMs).toBeCloseTo(2 * HOUR, -4);
    expect(found.bytesPerHour).toBeCloseTo(5e9, -3);
    expect(describeForecast(found)).toBe('floor reached in about 2h (2h to 2h)');
  });

  it('has an interval that holds the truth when there is noise', () => {
    const found = filling(forecast(history(6, (hour) => 60 - 5 * hour + noise(hour))));
    expect(found.soonestMs).toBeLessThan(2 * HOUR);
    expect(found.latestMs).toBeGreaterThan(2 * HOUR);
    expect(found.latestMs - found.soonestMs).toBeLessThan(HOUR);
  });

  it('is stable without a trend, with one towards more room, and with one that takes months', () => {
    expect(forecast(history(6, noise)).trend).toBe('stable');
    expect(forecast(history(6, (hour) => 60 + hour)).trend).toBe('stable');
    expect(forecast(history(6, (hour) => 60 - 0.01 * hour)).trend).toBe('stable');
    expect(describeForecast({ trend: 'stable' })).toBe('stable');
  });

  it('is not led astray by a fifth of the points being wild', () => {
    const steady = history(6, (hour) => 60 - 5 * hour);
    const wild = steady.map((point, i) => (i % 5 === 1 ? { ...point, availableBytes: 140e9 } : point));
    expect(filling(forecast(wild)).untilFloorMs).toBeGreaterThan(1.5 * HOUR);
    expect(filling(forecast(wild)).untilFloorMs).toBeLessThan(2.5 * HOUR);
  });

  it('is not known from too little', () => {
    expect(forecast([]).trend).toBe('unknown');
    expect(forecast(history(0.5, (hour) => 60 - hour)).trend).toBe('unknown');
    expect(describeForecast({ trend: 'unknown' })).toBe('not known yet: it takes an hour of readings');
  });

  it('is now, for a disk that is below the floor and fills on', () => {
    const found = forecast(history(6, (hour) => 25 - 2 * hour));
    expect(found).toMatchObject({ trend: 'filling', untilFloorMs: 0 });
    expect(describeForecast(found)).toBe('filling, and at the floor');
  });

  it('sees a disk that fills within minutes in its short window', () => {
    const points = Array.from({ length: 60 }, (_, i) => ({
      at: NOW - (59 - i) * 5_000,
      availableBytes: 60e9 - i * 0.5e9,
    }));
    const found = filling(forecast(points, RUSH_WINDOW_MS));
    expect(found.untilFloorMs).toBeLessThan(3 * 60_000);
  });
});

describe('the band of a forecast', () => {
  const window = { now: NOW, windowMs: TREND_WINDOW_MS, totalBytes: 100e9 };
  const noisy = history(6, (hour) => 60 - 5 * hour + noise(hour));

  it('begins at what is available now, and meets the floor when the forecast says at the soonest and the latest', () => {
    const { soonestMs, latestMs } = filling(forecast(noisy));
    const at = (horizonMs: number) => forecastBand({ ...window, history: noisy, horizonMs }).at(-1);
    expect(forecastBand({ ...window, history: noisy, horizonMs: HOUR })[0]).toEqual({
      at: NOW,
      lowBytes: Math.round(noisy.at(-1)?.availableBytes ?? 0),
      highBytes: Math.round(noisy.at(-1)?.availableBytes ?? 0),
    });
    expect((at(soonestMs)?.lowBytes ?? 0) / 20e9).toBeCloseTo(1, 4);
    expect((at(latestMs)?.highBytes ?? 0) / 20e9).toBeCloseTo(1, 4);
  });

  it('never leaves the disk, has its low below its high, and is empty where no trend is known', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100e9 }), { minLength: 8, maxLength: 60 }), (values) => {
        const points = values.map((availableBytes, i) => ({
          at: NOW - (values.length - 1 - i) * 600_000,
          availableBytes,
        }));
        for (const { lowBytes, highBytes } of forecastBand({
          ...window,
          history: points,
          horizonMs: 72 * HOUR,
        })) {
          expect(lowBytes).toBeGreaterThanOrEqual(0);
          expect(lowBytes).toBeLessThanOrEqual(highBytes);
          expect(highBytes).toBeLessThanOrEqual(100e9);
        }
      }),
    );
    expect(forecastBand({ ...window, history: [], horizonMs: HOUR })).toEqual([]);
  });

  it('of many points takes some evenly, to the same end', () => {
    const dense = Array.from({ length: 5_000 }, (_, i) => ({
      at: NOW - (4_999 - i) * 4_000,
      availableBytes: 60e9 - i * 2e6,
    }));
    expect(filling(forecast(dense)).bytesPerHour).toBeCloseTo(1.8e9, -3);
  });

  it('comes nearer as time goes by', () => {
    const found = filling(forecast(history(6, (hour) => 60 - 5 * hour)));
    expect(filling(forecastAfter(found, HOUR)).untilFloorMs).toBe(found.untilFloorMs - HOUR);
    expect(filling(forecastAfter(found, 9 * HOUR)).untilFloorMs).toBe(0);
    expect(forecastAfter({ trend: 'stable' }, HOUR)).toEqual({ trend: 'stable' });
  });
});

describe('the history of a disk', () => {
  it('stays below 1,000 points, keeps the newest, and reaches back a month, however often it is looked at', () => {
    const MONTH = 720 * HOUR;
    let points: { at: number }[] = [];
    for (let at = 0; at <= MONTH + 20 * HOUR; at += 300_000) points = rememberPoint(points, { at });
    const begun = MONTH + 20 * HOUR;
    for (let at = begun; at <= begun + HOUR; at += 5_000) points = rememberPoint(points, { at });
    const last = begun + HOUR;
    expect(points.length).toBeLessThan(1_000);
    expect(points.at(-1)).toEqual({ at: last });
    expect(points[0]?.at).toBeLessThan(last - MONTH + 4 * HOUR);
    expect(points.filter(({ at }) => at > last - RUSH_WINDOW_MS).length).toBeGreaterThan(40);
    const gaps = points.slice(1).map(({ at }, i) => at - (points[i]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3 * HOUR);
  });

  it('is in order of time and bounded, whatever the clock does', () => {
    const steps = fc.array(fc.integer({ min: -7_200_000, max: 7_200_000 }), { maxLength: 400 });
    fc.assert(
      fc.property(steps, (gaps) => {
        let now = NOW;
        let points: { at: number }[] = [];
        for (const gap of gaps) {
          now += gap;
          points = rememberPoint(points, { at: now });
          expect(points.at(-1)).toEqual({ at: now });
        }
        expect(points.map(({ at }) => at)).toEqual(points.map(({ at }) => at).toSorted((a, b) => a - b));
        expect(points.length).toBeLessThan(1_000);
      }),
      { numRuns: 30 },
    );
  });

  it('splits what is in use, and gives others what Spica does not know', () => {
    const own = { instancesBytes: 30e9, trashBytes: 2e9, templatesBytes: 1e9 };
    expect(splitUse(NOW, { totalBytes: 144e9, availableBytes: 61e9 }, own)).toEqual({
      at: NOW,
      availableBytes: 61e9,
      ...own,
      othersBytes: 50e9,
    });
  });
});

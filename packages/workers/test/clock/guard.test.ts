import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClockState } from '@spica/catalog';
import { expect, it, onTestFinished } from 'vitest';
import { createClockGuard } from '../../src/clock/guard.ts';
import { readUptime, uptime } from '../../src/clock/uptime.ts';

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

it('trusts a clock after a weekend that the machine slept through, and leases have not grown by it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'spica-uptime-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'uptime');
  let wall = 1_000_000_000_000;
  let upSeconds = 5_000.25;
  const pass = (seconds: number) => {
    wall += seconds * 1_000;
    upSeconds += seconds;
    writeFileSync(file, `${upSeconds.toFixed(2)} 123.45\n`);
  };
  pass(0);
  const clockState = async (): Promise<ClockState> => ({
    redisNow: wall,
    suspended: null,
    acceptedOffsetMs: 0,
    confirmations: 0,
  });
  const guard = createClockGuard({
    catalog: { clockState, suspendAges: async () => undefined },
    clock: { now: () => wall },
    monotonic: () => readUptime(file),
  });
  expect(await guard.suspended()).toBeNull();
  pass(60 * 3_600);
  expect(await guard.suspended()).toBeNull();
  expect(guard.now()).toBe(wall);
  wall += 2 * 86_400_000; // now it is set
  expect(await guard.suspended()).toContain('jumped forward by 2d');
});

it("reads the machine's own uptime, and refuses what is none", () => {
  const before = uptime();
  expect(before).toBeGreaterThan(0);
  expect(uptime()).toBeGreaterThanOrEqual(before);
  expect(() => readUptime('/dev/null')).toThrow('/dev/null: expected the seconds since the start');
});

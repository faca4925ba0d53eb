import { type Catalog, createCatalog } from '@spica/catalog';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { createLimits, type Limits } from '../../src/gatekeeper/limits.ts';

const MINUTE_MS = 60_000;
const COOLDOWN_MS = 5 * MINUTE_MS;

let server: Awaited<ReturnType<typeof startLocal>>;
let redis: Redis;
let catalog: Catalog;
let now: number;
let told: (string | null)[];
beforeAll(async () => {
  server = await startLocal();
  redis = new Redis(server.url);
  catalog = createCatalog({ redis, pool: 'main' });
});
beforeEach(async () => {
  await redis.flushall();
  now = 1_700_000_000_000;
  told = [];
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function open({ maxSpawnsPerHour = null }: { maxSpawnsPerHour?: number | null } = {}): Limits {
  const breaker = { failures: 3, cooldownMs: COOLDOWN_MS };
  const gate = { maxSpawnsPerHour, breaker } as Parameters<typeof createLimits>[0]['config']['gate'];
  const onBreaker = async (opened: string | null) => {
    told.push(opened);
  };
  return createLimits({ catalog, config: { gate }, clock: { now: () => now }, onBreaker });
}

async function fail(limits: Limits, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) await limits.ended(`failed-${i}`, 'host-failure');
}

it('holds every request once three spawns in a row failed for reasons of the host, and says so', async () => {
  const limits = open();
  await fail(limits, 2);
  await limits.ended('lucky', 'success');
  await fail(limits, 2);
  expect(await limits.ask('a', 1)).toBeNull();
  await fail(limits, 1);
  expect(await limits.ask('a', 1)).toMatch(/3 spawns in a row failed.*all requests are held for another 5m/);
  expect(await limits.ask('b', 1)).toMatch(/all requests are held/);
  expect(told).toEqual(['3 spawns in a row failed for reasons of the host']);
});

it('never counts a refusal as a failure', async () => {
  const limits = open();
  for (let i = 0; i < 10; i += 1) await limits.ended('refused', 'refusal');
  expect(await limits.ask('a', 1)).toBeNull();
});

it('lets one through after the cooldown, however often it was asked meanwhile; its success closes the breaker', async () => {
  const limits = open();
  await fail(limits, 3);
  for (let i = 0; i < 50; i += 1) {
    now += COOLDOWN_MS / 50;
    if (i < 49) expect(await limits.ask('a', 1)).toMatch(/are held/);
  }
  expect(await limits.ask('a', 1)).toBeNull();
  expect(await limits.ask('b', 1)).toMatch(/request a is let through to see/);
  expect(await limits.ask('a', 1)).toBeNull(); // it may ask again
  await limits.ended('a', 'success');
  expect(await limits.ask('b', 1)).toBeNull();
  expect(told.at(-1)).toBeNull();
});

it('holds for a whole cooldown more when the one that was let through fails, too', async () => {
  const limits = open();
  await fail(limits, 3);
  now += COOLDOWN_MS;
  expect(await limits.ask('a', 1)).toBeNull();
  await limits.ended('late', 'host-failure'); // it was on its way when the breaker opened
  expect(await limits.ask('a', 1)).toBeNull();
  await limits.ended('a', 'host-failure');
  now += COOLDOWN_MS - 1;
  expect(await limits.ask('a', 1)).toMatch(/are held/);
  now += 1;
  expect(await limits.ask('b', 1)).toBeNull();
});

it('knows after a restart what it knew before', async () => {
  await fail(open(), 3);
  expect(await open().ask('a', 1)).toMatch(/all requests are held/);
  expect(await open({ maxSpawnsPerHour: 4 }).release('a', 4)).toBeNull();
  expect(await open({ maxSpawnsPerHour: 4 }).release('b', 1)).toMatch(/max_spawns_per_hour is 4/);
});

it('releases at most max_spawns_per_hour in any hour, and says when there is more', async () => {
  const limits = open({ maxSpawnsPerHour: 4 });
  expect(await limits.release('first', 3)).toBeNull();
  now += 20 * MINUTE_MS;
  expect(await limits.ask('a', 1)).toBeNull();
  expect(await limits.ask('a', 2)).toBe(
    '3 spawned in the last hour + 2 asked for, max_spawns_per_hour is 4: in 40m',
  );
  now += 40 * MINUTE_MS;
  expect(await limits.ask('a', 4)).toBeNull();
  await expect(limits.ask('a', 5)).rejects.toMatchObject({ kind: 'refused', code: 'RATE_EXCEEDED' });
});

it('stays within max_spawns_per_hour when many ask before any is released', async () => {
  const limits = open({ maxSpawnsPerHour: 4 });
  const asked = await Promise.all(['a', 'b', 'c'].map((request) => limits.ask(request, 2)));
  expect(asked).toEqual([null, null, null]);
  const released = await Promise.all(['a', 'b', 'c'].map((request) => limits.release(request, 2)));
  expect(released.filter((late) => late === null)).toHaveLength(2);
});

it('counts a request once that is released again after its run was cut off, by a restart even', async () => {
  expect(await open({ maxSpawnsPerHour: 4 }).release('a', 3)).toBeNull();
  const limits = open({ maxSpawnsPerHour: 4 });
  now += MINUTE_MS;
  expect(await limits.ask('a', 3)).toBeNull();
  expect(await limits.release('a', 3)).toBeNull();
  expect(await limits.ask('b', 2)).toMatch(/^3 spawned in the last hour/);
  expect(await limits.release('b', 1)).toBeNull();
});

it('counts a request anew that was spawned before, so that nothing comes up that is not counted', async () => {
  const limits = open({ maxSpawnsPerHour: 4 });
  expect(await limits.release('a', 3)).toBeNull();
  await limits.ended('a', 'success');
  expect(await limits.ask('a', 3)).toMatch(/^3 spawned in the last hour/);
  expect(await limits.release('a', 3)).toMatch(/max_spawns_per_hour is 4/);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolWork, WorkEvent } from '@spica/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { aRecord } from '../../../catalog/test/open.ts';
import { tellDeparting } from '../../src/notify/departing.ts';
import { noticeHeld } from '../../src/notify/watch.ts';

const HOUR_MS = 3_600_000;
const [OLD, YOUNG, USED, SHORT_LIVED, OF_DAYS] = ['a', 'b', 'c', 'd', 'e'].map(
  (digit) => `spica-${digit.repeat(12)}`,
) as [string, string, string, string, string];

let dir: string;
let local: LocalRedis;
let stack: Stack;
const told: Extract<PoolWork, { kind: 'departing' }>['instances'][number][] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-departing-'));
  local = await startLocal();
  const template = await makeTemplate(join(dir, 'template'));
  const settings = { 'pools.main.retention.max_age_days': 3, 'pools.main.retention.keep_after_lease': '0s' };
  stack = await startStack({ target: { url: local.url }, templates: { default: template }, settings });
  stack.events.on((event: WorkEvent) => {
    if (event.kind === 'departing') told.push(...event.instances);
  });
  const now = Date.now();
  const lease = { owner: 'ada', tokenHash: 'a'.repeat(64), expiresAt: now + HOUR_MS, since: now };
  const age = (hours: number) => ({ spawnedAt: now - hours * HOUR_MS });
  for (const record of [
    aRecord(OLD, { ...age(60), experiment: 'night', by: 'ada' }),
    aRecord(YOUNG, age(10)),
    aRecord(USED, { ...age(60), lease }),
    aRecord(SHORT_LIVED, { ...age(1), ttlMs: 12 * HOUR_MS }),
    aRecord(OF_DAYS, { ...age(30), ttlMs: 36 * HOUR_MS }),
  ]) {
    await stack.ctx.catalog.adopt(record);
  }
});
afterAll(async () => {
  await stack.close();
  await local.stop();
  await rm(dir, { recursive: true });
});

it('tells of what goes within a day once, and anew when it goes a day later than was said', async () => {
  await tellDeparting(stack.ctx);
  await tellDeparting(stack.ctx);
  expect(told.map(({ id }) => id).toSorted()).toEqual([OLD, OF_DAYS]);
  const [old] = told.filter(({ id }) => id === OLD);
  expect(old).toMatchObject({ experiment: 'night', by: 'ada' });
  expect((old?.goesAt ?? 0) - Date.now()).toBeLessThanOrEqual(12 * HOUR_MS);
  told.length = 0;
  const ahead = (hours: number) => ({ ...stack.ctx, clock: { now: () => Date.now() + hours * HOUR_MS } });
  await stack.ctx.catalog.mark(OF_DAYS, { ttlMs: 60 * HOUR_MS });
  await tellDeparting(ahead(10));
  expect(told.map(({ id }) => id)).toEqual([OF_DAYS]);
});

it('tells when the first request waits for half of max_wait, and when none does any more', () => {
  const seen: PoolWork[] = [];
  let held: { request: string; heldAt: number; reason: string }[] = [];
  const ctx = {
    clock: { now: () => 400_000 },
    config: { gate: { maxWaitMs: 600_000 } },
    observe: (work: PoolWork) => seen.push(work),
    gate: { line: { inOrder: () => held } },
  } as unknown as Parameters<typeof noticeHeld>[0];
  expect(noticeHeld(ctx, 0)).toBe(0);
  held = [
    { request: 'req-1', heldAt: 30_000, reason: '4 GB short' },
    { request: 'req-2', heldAt: 300_000, reason: 'behind req-1' },
  ];
  expect(noticeHeld(ctx, 0)).toBe(1);
  expect(noticeHeld(ctx, 1)).toBe(1);
  held = [];
  expect(noticeHeld(ctx, 1)).toBe(0);
  expect(seen).toEqual([
    { kind: 'held-over', requests: 1, reason: 'req-1 for 6m10s: 4 GB short' },
    { kind: 'held-over', requests: 0, reason: 'none does any more' },
  ]);
});

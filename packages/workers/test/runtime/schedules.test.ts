import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { mendSchedules } from '../../src/runtime/schedulers.ts';

let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-schedules-'));
  const template = await makeTemplate(join(dir, 'template'));
  const settings = { 'prune.every': '1s', 'sample.every': '1h' };
  stack = await startStack({ target: { url: server.url }, templates: { default: template }, settings });
});
afterAll(async () => {
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

const lastPrune = async () => (await stack.ctx.catalog.lastRuns()).prune ?? 0;

/** As a bug, or a hand in the dashboard, does it: the schedule is there, and its next job is not. */
async function loseNextJob(): Promise<void> {
  await stack.queues.prune.pause();
  for (const job of await stack.queues.prune.getJobs(['delayed', 'waiting'])) {
    if (job.id?.startsWith('repeat:prune-schedule:'))
      await stack.redis.del(`${stack.queues.prune.toKey(job.id)}`);
    if (job.id) await stack.redis.zrem(stack.queues.prune.toKey('delayed'), job.id);
    if (job.id) await stack.redis.lrem(stack.queues.prune.toKey('paused'), 0, job.id);
    if (job.id) await stack.redis.lrem(stack.queues.prune.toKey('wait'), 0, job.id);
  }
  await stack.queues.prune.resume();
}

it('notes when each schedule was last done, and goes on with one whose next job went missing', async () => {
  await expect.poll(lastPrune).toBeGreaterThan(0);
  await expect
    .poll(async () => Object.keys(await stack.ctx.catalog.lastRuns()).sort())
    .toEqual(['prune', 'sample']); // the reconcile of the start has been, the next one is due in an hour
  const reconcile = (await stack.queues.prune.getDelayed()).find(({ name }) => name === 'reconcile');
  expect(reconcile?.delay).toBeGreaterThan(3_500_000);
  await loseNextJob();
  const before = await lastPrune();
  await expect.poll(lastPrune, { timeout: 30_000 }).toBeGreaterThan(before + 5_000);
});

it('leaves a schedule alone whose job is only late, or not due yet', async () => {
  const { ctx } = stack;
  await stack.queues.prune.pause();
  const errors: unknown[] = [];
  const logger = { ...ctx.logger, error: (...args: unknown[]) => errors.push(args) } as never;
  const later = (ms: number) => ({ ...ctx, logger, clock: { now: () => ctx.clock.now() + ms } });
  await mendSchedules(later(0), ctx.clock.now());
  await mendSchedules(later(3 * 3_600_000), 0); // prune, sample and reconcile are overdue, and their jobs are there
  expect(errors).toEqual([]);
  await stack.queues.prune.resume();
});

it('reckons with a cron pattern by its own times', async () => {
  const { ctx } = stack;
  const now = Date.UTC(2026, 10, 29, 12, 30);
  const errors: unknown[] = [];
  const queues = {
    prune: { getJobScheduler: async () => undefined, upsertJobScheduler: async () => undefined },
    sample: { getJobScheduler: async () => undefined, upsertJobScheduler: async () => undefined },
  };
  const at = (lastPruneAt: number) => ({
    ...ctx,
    config: { ...ctx.config, prune: { pattern: '0 * * * *' } },
    catalog: { ...ctx.catalog, lastRuns: async () => ({ prune: lastPruneAt, sample: now, reconcile: now }) },
    clock: { now: () => now },
    logger: { error: (fields: { schedule: string }) => errors.push(fields.schedule) },
    queues,
  });
  await mendSchedules(at(now - 30 * 60_000) as never, 0); // 12:00; the next one is 13:00
  expect(errors).toEqual([]);
  await mendSchedules(at(now - 31 * 60_000) as never, 0);
  expect(errors).toEqual(['prune']);
});

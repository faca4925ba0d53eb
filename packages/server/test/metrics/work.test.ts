import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkEvent } from '@spica/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LocalRedis, startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts';
import { openPool } from '../served.ts';

let local: LocalRedis;
let stack: Stack;
let metrics: Metrics;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-metrics-'));
  local = await startLocal();
  const template = await makeTemplate(join(dir, 'template'));
  const failing = { path: template, setup: ['false'] };
  const settings = { 'pools.main.retention.trash_ttl': '0s' };
  stack = await startStack({
    target: { url: local.url },
    templates: { default: template, failing },
    settings,
  });
  const { gate, clockGuard } = stack.ctx;
  metrics = createMetrics({
    pools: [openPool('main', stack.redis)],
    probe: async () => null,
    clock: { now: () => Date.now() },
    version: '1.2.3',
    work: {
      on: stack.events.on,
      protection: () => [{ pool: 'main', ...gate.protected.counts(clockGuard.now()) }],
    },
  });
});
afterAll(async () => {
  metrics.close();
  await stack.close();
  await local.stop();
  await rm(dir, { recursive: true, force: true });
});

/** `name{labels}` → figure. */
async function scrape(): Promise<Record<string, number>> {
  const lines = (await metrics.render()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}

function heard(kind: WorkEvent['kind']): Promise<WorkEvent> {
  return new Promise((resolve) => {
    const end = stack.events.on((event) => {
      if (event.kind !== kind) return;
      end();
      resolve(event);
    });
  });
}

it('counts what requests, spawns, deletions and leases come to, as it happens', async () => {
  const before = await scrape();
  expect(before).toMatchObject({
    'spica_spawn_failures_total{pool="main",cause="host"}': 0,
    'spica_caps_hit_total{pool="main"}': 0,
    'spica_leases{pool="main"}': 0,
  });
  const lease = { owner: 'ada', tokenHash: 'a'.repeat(64), ms: 60_000 };
  const { instances } = await stack.spawn({ count: 2, lease });
  await expect(stack.spawn({ template: 'nowhere' })).rejects.toThrow('nowhere');
  await expect(stack.spawn({ template: 'failing' })).rejects.toThrow('false');
  const [kept, gone] = instances.map(({ id }) => id) as [string, string];
  await stack.ctx.catalog.mark(kept, { pin: { by: 'ada', why: 'a test', at: 0 } });
  await stack.ctx.catalog.releaseLease(gone, { token: null, now: Date.now(), force: true, discard: true });
  await expect.poll(scrape).toMatchObject({ 'spica_leases{pool="main"}': 1, 'spica_pins{pool="main"}': 1 });
  const deleted = heard('deleted');
  const job = await stack.queues.prune.add('prune', {
    pool: 'main',
    cause: 'operator',
    maxInstances: 1,
    maxAgeMs: null,
  });
  await deleted;
  expect(job.id).toBeDefined();
  const after = await scrape();
  expect(after).toMatchObject({
    'spica_requests_total{pool="main",outcome="completed",reason="none"}': 1,
    'spica_requests_total{pool="main",outcome="rejected",reason="TEMPLATE_UNKNOWN"}': 1,
    'spica_requests_total{pool="main",outcome="failed",reason="SETUP_FAILED"}': 1,
    'spica_request_wait_seconds_count{pool="main"}': 2,
    'spica_spawn_failures_total{pool="main",cause="request"}': 1,
    'spica_spawn_failures_total{pool="main",cause="host"}': 0,
    'spica_deletions_total{pool="main",rule="count"}': 1,
    'spica_instances{pool="main"}': 1,
    'spica_breaker_open{pool="main"}': 0,
  });
  const method = stack.ctx.method;
  expect(after[`spica_spawn_seconds_count{pool="main",method="${method}"}`]).toBe(2);
  expect(after[`spica_cloned_bytes_total{pool="main",method="${method}"}`]).toBeGreaterThan(2 * 5_000);
  expect(after['spica_disk_use_bytes{pool="main",use="others"}']).toBeGreaterThan(0);
  expect(after['spica_redis_command_seconds_count']).toBeGreaterThan(
    before['spica_redis_command_seconds_count'] ?? 0,
  );
});

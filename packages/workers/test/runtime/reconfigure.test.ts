import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashLeaseToken } from '@spica/catalog';
import type { Config } from '@spica/core';
import { progressOf } from '@spica/queues';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { reconfigure } from '../../src/runtime/reconfigure.ts';

const POLL = { timeout: 30_000 };
const LEASE = { owner: 'tester', tokenHash: hashLeaseToken('a'.repeat(32)), ms: 3_600_000 };

let server: Awaited<ReturnType<typeof startLocal>>;
let redis: Redis;
let dir: string;
let template: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  redis = new Redis(server.url);
  dir = await mkdtemp(join(tmpdir(), 'spica-reconfigure-'));
  template = await makeTemplate(join(dir, 'template'));
});
beforeEach(async () => {
  await redis.flushall();
  const settings = {
    'gate.poll_every': '10m',
    'pools.main.retention.max_instances': 1,
    'log.level': 'silent',
  };
  stack = await startStack({ target: { url: server.url }, templates: { default: template }, settings });
});
afterEach(() => stack.close());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(dir, { recursive: true });
});

/** Takes over the served config with a pool's settings changed. */
function change(of: (pool: Config['pools'][string]) => Config['pools'][string]) {
  const { ctx } = stack;
  const { config, logger } = ctx;
  const pools = [{ ctx, workers: { setConcurrency: () => undefined } }];
  const after = { ...config, pools: { main: of(ctx.policy) } };
  return reconfigure(after, { config, logger, pools });
}

it('a held request is served as soon as a limit is raised, long before it would look by itself', async () => {
  await stack.spawn({ lease: LEASE });
  const id = await stack.submit();
  const phase = async () => progressOf((await stack.queues.gate.getJob(id))?.progress)?.phase;
  await expect.poll(phase, POLL).toBe('held');
  const changed = await change((pool) => ({ ...pool, retention: { ...pool.retention, maxInstances: 2 } }));
  expect(changed).toEqual({ live: ['pools.main.retention.max_instances'], needsRestart: [] });
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
});

it('instances are expected to grow for as long as the new growth window says', async () => {
  const { instances } = await stack.spawn();
  const growthEnd = () => stack.ctx.gate.ledger.instance(instances[0]?.id ?? '')?.growth.endsAt ?? 0;
  const before = growthEnd();
  expect(before).toBeGreaterThan(0);
  await change((pool) => ({
    ...pool,
    disk: { ...pool.disk, growthWindowMs: pool.disk.growthWindowMs + 3_600_000 },
  }));
  expect(growthEnd()).toBe(before + 3_600_000);
});

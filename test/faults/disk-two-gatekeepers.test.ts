import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { openAudit, readSpace } from '@spica/pool';
import { connectWorker, prefixOf } from '@spica/queues';
import { createLogger, openPoolContext, type ServedContext } from '@spica/workers';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createGatekeeper } from '../../packages/workers/src/gatekeeper/processor.ts';
import { createWaker } from '../../packages/workers/src/gatekeeper/waker.ts';
import { type Mount, mountTmpfs } from '../support/mount.ts';
import { startLocal } from '../support/redis.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { makeTemplate } from '../support/template.ts';

const POLL = { timeout: 40_000 };
const DISK_BYTES = 128e6;
const FLOOR_BYTES = 20e6;
const REQUESTS = 30;

let disk: Mount;
let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
let second: { readonly decided: string[]; close(): Promise<void> };
beforeEach(async (context) => {
  disk = await mountTmpfs({ bytes: DISK_BYTES });
  if ('skipped' in disk) return context.skip(disk.skipped);
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-gatekeepers-'));
  const template = await makeTemplate(join(dir, 'template'), { files: 4, bytes: 500_000 });
  stack = await startStack({
    target: { url: server.url },
    root: join(disk.dir, 'pool'),
    templates: { default: template },
    settings: {
      'concurrency.gate': 4,
      'gate.poll_every': '1s',
      'pools.main.disk.min_free_space_gb': FLOOR_BYTES / 1e9,
      'pools.main.disk.ballast_mb': 0,
      'pools.main.retention.max_instances': 1_000,
    },
  });
  second = await startSecond();
});
afterEach(async () => {
  if ('skipped' in disk) return;
  await second.close();
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
  await disk.unmount();
});

/** Another host's gatekeeper on the same pool: nothing that it knows is shared with the first but Redis and the disk. */
async function startSecond() {
  const { config } = stack;
  const target = { url: server.url };
  const logger = createLogger({ level: 'silent', pretty: false });
  const connections: Redis[] = [connectWorker(target), connectWorker(target)];
  const [redis, blocking] = connections;
  if (!redis || !blocking) throw new Error('two connections were opened');
  const ctx = await openPoolContext({ config, pool: 'main', redis, clock: systemClock, logger });
  const log = await openAudit({ path: null, stateDir: join(dir, 'second'), clock: systemClock, logger });
  const served: ServedContext = {
    ...ctx,
    audit: log.forPool('main'),
    waker: createWaker(ctx),
    withDeletionClaim: (work) => work(),
    limits: stack.ctx.limits,
    diskDoubt: stack.ctx.diskDoubt,
  };
  const decided: string[] = [];
  const gatekeeper = createGatekeeper(served);
  const worker = new Worker(
    'gate',
    async (job, token) => {
      decided.push(job.id ?? '');
      return gatekeeper(job, token);
    },
    { connection: blocking, prefix: prefixOf('main'), concurrency: 4, maxStalledCount: 1_000 },
  );
  worker.on('error', () => undefined); // Redis ends before it does
  await worker.waitUntilReady();
  return {
    decided,
    async close() {
      await worker.close();
      for (const connection of connections) connection.disconnect();
      await log.close();
    },
  };
}

it('two gatekeepers on one pool by mistake never promise more than the disk has, and every request is served once', async () => {
  if ('skipped' in disk) return;
  const { ctx, queues, watcher } = stack;
  await stack.spawn(); // prepares the template
  await queues.spawn.pause(); // what is promised stays promised
  const ids = await Promise.all(
    Array.from({ length: REQUESTS }, () => stack.submit({ count: 2, maxWaitMs: 2_000 })),
  );
  const states = () => Promise.all(ids.map((id) => queues.gate.getJobState(id)));
  await expect
    .poll(
      async () => (await states()).every((state) => state === 'waiting-children' || state === 'failed'),
      POLL,
    )
    .toBe(true);

  const { reserved, growth } = await ctx.catalog.ledger(Date.now());
  const { availableBytes } = await readSpace(ctx.pool.paths.root);
  const room = availableBytes - FLOOR_BYTES - growth.bytes;
  const one = reserved.bytes / (reserved.slots / 2);
  expect(reserved.bytes).toBeLessThanOrEqual(room);
  expect(room - reserved.bytes).toBeLessThan(one); // nor less than it could
  expect(second.decided.length).toBeGreaterThan(0);

  await queues.spawn.resume();
  const results = await Promise.allSettled(ids.map((id) => watcher.wait(id)));
  const spawned = results.flatMap((result) => (result.status === 'fulfilled' ? result.value.instances : []));
  expect(new Set(spawned.map(({ id }) => id)).size).toBe(reserved.slots);
  expect((await ctx.catalog.ledger(Date.now())).reserved).toEqual({ bytes: 0, inodes: 0, slots: 0 });
});

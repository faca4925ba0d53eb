import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashLeaseToken } from '@spica/catalog';
import { CheckError } from '@spica/core';
import { doubtSpace, readSpace } from '@spica/pool';
import { gatePayloadSchema, progressOf, type RequestProgress } from '@spica/queues';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { createDiskDoubt } from '../../src/pressure/disk-doubt.ts';
import { previewAdmission } from '../../src/preview.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 120_000 };
const TOKEN = 'a'.repeat(32);
const LEASE = { owner: 'tester', tokenHash: hashLeaseToken(TOKEN), ms: 3_600_000 };

let server: Awaited<ReturnType<typeof startLocal>>;
let redis: Redis;
let dir: string;
let template: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  redis = new Redis(server.url);
  dir = await mkdtemp(join(tmpdir(), 'spica-holding-'));
  template = await makeTemplate(join(dir, 'template'));
});
beforeEach(() => redis.flushall());
afterEach(() => stack.close());
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(dir, { recursive: true });
});

/** Nothing is looked at twice by itself: what is served in time was woken. */
async function serve(settings: Record<string, unknown> = {}): Promise<void> {
  const all = { 'gate.poll_every': '10m', 'pools.main.retention.max_instances': 2, ...settings };
  stack = await startStack({ target: { url: server.url }, templates: { default: template }, settings: all });
}

async function progress(id: string): Promise<RequestProgress | null> {
  return progressOf((await stack.queues.gate.getJob(id))?.progress);
}

async function untilPhase(id: string, phase: RequestProgress['phase']): Promise<void> {
  await expect.poll(async () => (await progress(id))?.phase, POLL).toBe(phase);
}

/** As `spica cancel` does. */
async function cancel(id: string): Promise<void> {
  const { life } = gatePayloadSchema.parse((await stack.queues.gate.getJob(id))?.data);
  expect(await stack.ctx.catalog.cancel(id, life)).toBe('cancelled');
}

it('a held request is served as soon as a lease is released, long before it would look by itself', async () => {
  await serve();
  const { instances } = await stack.spawn({ count: 2, lease: LEASE });
  const id = await stack.submit();
  await untilPhase(id, 'held');
  expect((await progress(id))?.reason).toMatch(/1 lease ends within/);
  await stack.ctx.catalog.releaseLease(instances[0]?.id ?? '', {
    token: TOKEN,
    now: Date.now(),
    discard: true,
  });
  const served = await stack.watcher.wait(id);
  expect(await instancesOnDisk(stack.ctx.pool)).toEqual(
    [instances[1]?.id, served.instances[0]?.id].toSorted(),
  );
});

it('a request that has been held for too long lets nobody pass, however small, and names itself', async () => {
  await serve({ 'gate.barrier_after': '0s' });
  const { instances } = await stack.spawn({ lease: LEASE });
  const large = await stack.submit({ count: 2 });
  await untilPhase(large, 'held');
  const small = await stack.submit(); // there is a slot for it
  await untilPhase(small, 'held');
  expect((await progress(small))?.reason).toContain(large);
  await stack.ctx.catalog.releaseLease(instances[0]?.id ?? '', {
    token: TOKEN,
    now: Date.now(),
    discard: true,
  });
  await stack.watcher.wait(large);
  await stack.watcher.wait(small);
});

it('a new request passes one that was held a moment ago; max_waiting turns away who would have to wait', async () => {
  await serve({ 'gate.max_waiting': 1 });
  await stack.spawn({ lease: LEASE });
  const large = await stack.submit({ count: 2 });
  await untilPhase(large, 'held');
  expect((await stack.spawn({ lease: LEASE })).instances).toHaveLength(1);
  await expect(stack.spawn()).rejects.toMatchObject({
    kind: 'refused',
    code: 'QUEUE_FULL',
    message: 'queue full: 1 request is held, max_waiting is 1',
  });
  expect(stack.ctx.gate.line.inOrder().map(({ request }) => request)).toEqual([large]);
});

it('a request that is cancelled while it is held leaves at once, and its reservation and place with it', async () => {
  await serve();
  await stack.spawn({ count: 2, lease: LEASE });
  const id = await stack.submit();
  await untilPhase(id, 'held');
  await cancel(id);
  await expect(stack.watcher.wait(id)).rejects.toMatchObject({
    kind: 'refused',
    code: 'REQUEST_CANCELLED',
  });
  expect(stack.ctx.gate.line.inOrder()).toEqual([]);
  expect(stack.ctx.gate.ledger.requests).toEqual([]);
});

it('a request that is cancelled before its clones begin is undone', async () => {
  await serve();
  await stack.spawn(); // prepares the template
  await stack.queues.spawn.pause();
  const id = await stack.submit();
  await untilPhase(id, 'spawning');
  await cancel(id);
  await stack.queues.spawn.resume();
  await expectUndone(id);
});

it('a request that is cancelled when its clones are there, and it has not ended, is undone', async () => {
  await serve();
  await stack.spawn();
  await stack.queues.spawn.pause();
  const id = await stack.submit();
  await untilPhase(id, 'spawning');
  await stack.queues.gate.pause();
  await stack.queues.spawn.resume();
  await expect.poll(() => instancesOnDisk(stack.ctx.pool), POLL).toHaveLength(2);
  await expect.poll(() => stack.queues.gate.getJobState(id), POLL).not.toBe('waiting-children');
  await cancel(id);
  await stack.queues.gate.resume();
  await expectUndone(id);
});

it('a request that is cancelled while one of its clones is made, before a restart, is undone after it', async () => {
  await serve({ 'concurrency.spawn': 1, 'pools.main.retention.max_instances': 5 });
  await stack.spawn();
  const { gate, templates } = stack.ctx;
  const [begun, stalled] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  vi.spyOn(templates, 'get').mockImplementationOnce(async () => {
    begun.resolve();
    await stalled.promise;
    throw new CheckError('REQUEST_CANCELLED', 'its worker ended');
  });
  const id = await stack.submit({ count: 3 });
  await begun.promise;
  await cancel(id);
  await expect.poll(() => stack.queues.spawn.getWaitingCount(), POLL).toBe(0); // nobody had begun these
  gate.requests.delete(id); // as another process finds it
  gate.cancelled.delete(id);
  stalled.resolve();
  await expectUndone(id);
});

async function expectUndone(id: string): Promise<void> {
  await expect(stack.watcher.wait(id)).rejects.toMatchObject({
    code: 'REQUEST_CANCELLED',
  });
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(1);
  expect(await readdir(stack.ctx.pool.paths.staging)).toEqual([]);
  expect(stack.ctx.gate.ledger.requests).toEqual([]);
}

it('a request is counted once by max_spawns_per_hour, though the audit log could not be written when it was admitted', async () => {
  await serve({ 'gate.max_spawns_per_hour': 1 });
  const { audit } = stack.ctx;
  const append = audit.append.bind(audit);
  let failed = 0;
  const failsOnce: typeof append = (entry, options) => {
    if (failed > 0 || !JSON.stringify(entry).includes('admit_request')) return append(entry, options);
    failed += 1;
    return Promise.reject(new CheckError('AUDIT_UNWRITABLE', 'audit log: it is full'));
  };
  const spy = vi.spyOn(audit, 'append').mockImplementation(failsOnce);
  onTestFinished(() => spy.mockRestore());
  const served = await stack.watcher.wait(await stack.submit());
  expect([served.instances.length, failed]).toEqual([1, 1]);
  const next = await stack.submit();
  await untilPhase(next, 'held');
  expect((await progress(next))?.reason).toMatch(/^1 spawned in the last hour/);
});

it('a request survives that Redis takes no writes for a while: it ends as if nothing had been', async () => {
  await serve();
  await stack.spawn();
  await stack.queues.spawn.pause();
  const id = await stack.submit();
  await untilPhase(id, 'spawning');
  await stack.queues.spawn.resume();
  // No replica is there: every write is refused, as on a full disk.
  await redis.config('SET', 'min-replicas-to-write', 1);
  await expect(stack.submit()).rejects.toThrow(/NOREPLICAS/);
  await redis.config('SET', 'min-replicas-to-write', 0);
  const { instances } = await stack.watcher.wait(id);
  expect(instances).toHaveLength(1);
  expect(stack.ctx.gate.ledger.requests).toEqual([]);
});

it('a request is held, and says why, while df and statfs disagree on the disk, and is served when they agree again', async () => {
  await serve({ 'pools.main.disk.check_every': '1s' });
  let passedMs = 0;
  let missing = 1e9;
  const df = async (dir: string) => {
    const { availableBytes, totalBytes } = await readSpace(dir);
    return { availableBytes: availableBytes - missing, totalBytes };
  };
  const diskDoubt = createDiskDoubt({
    dir: stack.ctx.pool.paths.root,
    monotonic: () => passedMs,
    compare: (dir) => doubtSpace(dir, { statfs: readSpace, df }),
  });
  Object.assign(stack.ctx, { diskDoubt });
  await diskDoubt.refresh();
  const id = await stack.submit();
  await untilPhase(id, 'held');
  expect((await progress(id))?.reason).toMatch(/^df and statfs disagree on the free space: /);
  const asked = { template: 'default', count: 1, experiment: null, replicas: null };
  expect((await previewAdmission(stack.ctx, asked)).waitsFor).toMatch(/^df and statfs disagree/);
  expect(await instancesOnDisk(stack.ctx.pool)).toEqual([]);
  missing = 0;
  passedMs = 5_000; // so often the monitor compares them while they disagree
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
});

it('a request that is cancelled while it is decided leaves at once, and does not wait for its next look', async () => {
  await serve();
  await stack.spawn({ count: 2, lease: LEASE });
  const id = await stack.submit();
  await untilPhase(id, 'held');
  const { gauge, gate } = stack.ctx;
  const read = gauge.read.bind(gauge);
  // By then its decision has read that nobody cancelled it.
  vi.spyOn(gauge, 'read').mockImplementationOnce(async (options) => {
    await cancel(id);
    await expect.poll(() => gate.cancelled.has(id), POLL).toBe(true);
    return read(options);
  });
  await gate.line.wake();
  await expect(stack.watcher.wait(id)).rejects.toMatchObject({ code: 'REQUEST_CANCELLED' });
});

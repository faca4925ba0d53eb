import { hashLeaseToken } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { childIds, submitRequest } from '@spica/queues';
import { expect, it, vi } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { aRequest, type Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { createGatekeeper } from '../../src/gatekeeper/processor.ts';

const POLL = { timeout: 120_000 };
const LEASE = { owner: 'tester', tokenHash: hashLeaseToken('t'), ms: 3_600_000 };

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'gate.poll_every': '10m', 'gate.barrier_after': '0s', 'pools.main.retention.max_instances': 2 },
);

const submitWithKey = () => submitRequest(stack.queues, aRequest('main'), { key: 'k', clock: systemClock });
const progressOf = async (id: string) => (await stack.queues.gate.getJob(id))?.progress;

it('a request with a key that failed, and whose gate job was forgotten but its spawn job was not, is served anew', async () => {
  await stack.spawn(); // prepares the template
  const broken = vi.spyOn(stack.ctx.templates, 'get').mockRejectedValueOnce(new Error('a bad day'));
  const id = await submitWithKey();
  await expect(stack.watcher.wait(id)).rejects.toThrow('a bad day');
  broken.mockRestore();
  const job = await stack.queues.gate.getJob(id);
  await job?.remove({ removeChildren: false }); // as when 2,000 later failures have taken its place
  expect((await stack.queues.spawn.getJobs(['failed'])).length).toBeGreaterThan(0);
  expect(await submitWithKey()).toBe(id);
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
  expect(stack.ctx.gate.ledger.requests).toEqual([]);
});

it('a held request whose job was removed by hand stands in nobody’s way, though it was a barrier', async () => {
  await stack.spawn({ lease: LEASE });
  const large = await stack.submit({ count: 2 });
  await expect.poll(() => progressOf(large), POLL).toMatchObject({ phase: 'held' });
  await (await stack.queues.gate.getJob(large))?.remove();
  expect((await stack.watcher.wait(await stack.submit({ lease: LEASE }))).instances).toHaveLength(1);
  expect(stack.ctx.gate.line.inOrder()).toEqual([]);
});

it('a second run of a gate job, after its lock was lost, leaves alone what the first one’s spawns stand on', async () => {
  const { ctx, queues } = stack;
  await stack.spawn();
  await Promise.all([queues.gate.pause(), queues.spawn.pause()]);
  const id = await stack.submit();
  const job = await queues.gate.getJob(id);
  if (!job) throw new Error('the job is gone');
  const standstill = Promise.withResolvers<void>();
  const current = ctx.templates.current.bind(ctx.templates);
  vi.spyOn(ctx.templates, 'current').mockImplementationOnce(async (name) => {
    await standstill.promise; // SIGSTOP, for one: the lock runs out meanwhile, and the job is handed out again
    return current(name);
  });
  const gatekeeper = createGatekeeper(ctx);
  const runs = [gatekeeper(job, 'lost'), gatekeeper(job, 'lost too')].map((run) => run.catch(String));
  standstill.resolve();
  expect((await Promise.all(runs)).every((end) => String(end).includes('lock'))).toBe(true);
  expect(ctx.gate.ledger.reservation(id)?.slots).toBe(1);
  const children = await queues.spawn.getJobs(['wait']);
  expect(children).toHaveLength(1);
  await Promise.all([queues.gate.resume(), queues.spawn.resume()]);
  expect((await stack.watcher.wait(id)).instances).toHaveLength(1);
  expect(ctx.gate.ledger.requests).toEqual([]);
});

it('a cancellation that is answered with success takes effect, at whatever moment it comes', async () => {
  const { catalog } = stack.ctx;
  await stack.spawn({ lease: LEASE });
  const completeRequest = catalog.completeRequest.bind(catalog);
  let answer: string | null = null;
  vi.spyOn(catalog, 'completeRequest').mockImplementationOnce(async (request, life, ids) => {
    answer = await catalog.cancel(request, life); // between the last look and the end
    return completeRequest(request, life, ids);
  });
  const id = await stack.submit();
  await expect(stack.watcher.wait(id)).rejects.toMatchObject({ code: 'REQUEST_CANCELLED' });
  expect(answer).toBe('cancelled');
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(1);

  const served = await stack.submit();
  await stack.watcher.wait(served);
  const { life } = (await stack.queues.gate.getJob(served))?.data ?? {};
  expect(await catalog.cancel(served, life)).toBe('completed');
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(2);
});

it('a cancelled request whose spawns nobody has begun leaves at once, though the spawn queue is paused', async () => {
  await stack.spawn({ lease: LEASE });
  await stack.queues.spawn.pause();
  const id = await stack.submit();
  await expect.poll(() => progressOf(id), POLL).toMatchObject({ phase: 'spawning' });
  const { life } = (await stack.queues.gate.getJob(id))?.data ?? {};
  await stack.ctx.catalog.cancel(id, life);
  await expect(stack.watcher.wait(id)).rejects.toMatchObject({ code: 'REQUEST_CANCELLED' });
  expect(await stack.queues.spawn.getJob(childIds.spawn({ request: id, life, round: 1 }, 0))).toBeUndefined();
  expect(stack.ctx.gate.ledger.requests).toEqual([]);
});

import { requireWorker, runJob, runServedJob, watchWorker } from '@spica/queues';
import { beforeEach, expect, it } from 'vitest';
import { waitForRequest } from '../../src/request/wait.ts';
import { capture } from '../capture.ts';
import { startQueues, type TestQueues } from '../redis.ts';

let started: TestQueues;
let redis: TestQueues['redis'];
let queues: TestQueues['queues'];
let work: TestQueues['work'];

beforeEach(async () => {
  started = await startQueues();
  ({ redis, queues, work } = started);
  return () => started.close();
});

/** A request as far as waiting for it goes: a job of the gate. */
async function submit(): Promise<string> {
  const { id } = await queues.gate.add('request', { pool: 'main' }, { jobId: 'req-1' });
  return id ?? '';
}

it('does without a worker for a moment, then says how to start one', async () => {
  const unserved = requireWorker(redis, { pool: 'main', queue: 'gate' }, { graceMs: 0 });
  await expect(unserved).rejects.toMatchObject({
    kind: 'unreachable',
    code: 'WORKER_UNREACHABLE',
    message: 'no worker serves pool main: start one with `spica up`',
  });
  await work('gate', async () => null);
  await requireWorker(redis, { pool: 'main', queue: 'gate' }, { graceMs: 0 });
});

it('waits for a job and resolves with what came of it', async () => {
  await work('prune', async (job) => ({ seen: job.data }));
  expect(await runJob(queues.prune, 'prune', { pool: 'main' }, { redis })).toEqual({
    seen: { pool: 'main' },
  });
});

it('throws the error that a job failed with, by its code', async () => {
  await work('prune', async () => {
    throw new Error('AUDIT_UNWRITABLE: the audit log cannot be written');
  });
  const failed = runJob(queues.prune, 'prune', { pool: 'main' }, { redis });
  await expect(failed).rejects.toMatchObject({ code: 'AUDIT_UNWRITABLE', kind: 'check' });
});

it('adds no job where nobody would do it', async () => {
  const job = runServedJob(queues, 'prune', { pool: 'main' }, { redis });
  await expect(job).rejects.toMatchObject({ code: 'WORKER_UNREACHABLE' });
  expect(await queues.prune.getJobCountByTypes('waiting', 'active', 'delayed')).toBe(0);
});

it('waits for a request and shows why it is held', async () => {
  const looked = Promise.withResolvers<void>();
  await work('gate', async (job) => {
    await job.updateProgress({ phase: 'held', reason: 'no slots', since: 'S', until: 'U' });
    await looked.promise;
    return { instances: [{ id: 'spica-0123456789ab', path: '/p' }] };
  });
  const io = capture();
  const id = await submit();
  const waiting = waitForRequest(queues, id, { io, redis, pool: 'main', count: 1, timeoutMs: null });
  await expect.poll(() => io.err()).toBe(`request ${id} held until U at most: no slots\n`);
  looked.resolve();
  expect(await waiting).toEqual({ instances: [{ id: 'spica-0123456789ab', path: '/p' }] });
  expect(io.out()).toBe('');
});

it('draws a bar on a terminal and clears it in the end', async () => {
  const looked = Promise.withResolvers<void>();
  await work('gate', async (job) => {
    await job.updateProgress({ phase: 'held', reason: 'no slots', since: 'S', until: 'U' });
    await looked.promise;
    return { instances: [] };
  });
  const io = capture({ tty: true });
  const id = await submit();
  const waiting = waitForRequest(queues, id, { io, redis, pool: 'main', count: 8, timeoutMs: null });
  await expect.poll(() => io.err()).toContain('0/8  held');
  looked.resolve();
  await waiting;
  expect(io.err()).toContain('held until U at most: no slots\n');
  expect(io.out()).toBe('');
});

it('draws no bar, which would hold the process, where the events of the gate cannot be read', async () => {
  const io = capture({ tty: true });
  const id = await submit();
  redis.disconnect();
  const waiting = waitForRequest(queues, id, { io, redis, pool: 'main', count: 8, timeoutMs: null });
  await expect(waiting).rejects.toThrow('Connection is closed');
  expect(io.err()).toBe('');
});

it('gives up after --timeout, with the request id and how to look again', async () => {
  const never = Promise.withResolvers<void>();
  await work('gate', () => never.promise);
  const id = await submit();
  const waiting = waitForRequest(queues, id, { io: capture(), redis, pool: 'main', count: 1, timeoutMs: 50 });
  await expect(waiting).rejects.toMatchObject({
    kind: 'timeout',
    message: `request ${id} has not ended within 50ms (--timeout); it goes on, and \`spica show ${id}\` shows how it stands`,
  });
  never.resolve();
});

it('stops waiting on Ctrl-C, says that the request goes on, and leaves the signal alone afterwards', async () => {
  const never = Promise.withResolvers<void>();
  const taken = Promise.withResolvers<void>();
  await work('gate', () => {
    taken.resolve();
    return never.promise;
  });
  const io = capture();
  const id = await submit();
  const waiting = waitForRequest(queues, id, { io, redis, pool: 'main', count: 1, timeoutMs: null });
  await taken.promise;
  await expect.poll(() => io.signals.listenerCount('SIGINT')).toBe(1);
  io.signals.emit('SIGINT');
  await expect(waiting).rejects.toThrow(`request ${id} goes on; \`spica show ${id}\` shows how it stands`);
  expect(io.signals.listenerCount('SIGINT')).toBe(0);
  never.resolve();
});

it('stops waiting when the worker is gone', async () => {
  const worker = await work('gate', async () => null);
  const watching = watchWorker(redis, { pool: 'main', queue: 'gate' }, { graceMs: 0 });
  const stopped = expect(watching).rejects.toMatchObject({ code: 'WORKER_UNREACHABLE' });
  await worker.close();
  await stopped;
});

it('stops waiting when Redis is gone, and closes all it has opened', async () => {
  const never = Promise.withResolvers<void>();
  await work('gate', () => never.promise);
  const io = capture();
  const id = await submit();
  const waiting = waitForRequest(queues, id, { io, redis, pool: 'main', count: 1, timeoutMs: null });
  await expect.poll(() => io.signals.listenerCount('SIGINT')).toBe(1);
  process.kill(started.pid, 'SIGKILL');
  await expect(waiting).rejects.toThrow(/Connection is closed|max retries/);
  never.resolve();
});

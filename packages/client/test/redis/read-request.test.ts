import { submitRequest } from '@spica/queues';
import { beforeEach, expect, it } from 'vitest';
import { startQueues, type TestQueues } from '../../../cli/test/redis.ts';
import { readRequest } from '../../src/redis/read-request.ts';

let started: TestQueues;

beforeEach(async () => {
  started = await startQueues();
  return () => started.close();
});

const request = {
  pool: 'main',
  template: 'default',
  count: 2,
  params: { SEED: 7 },
  paramsEach: null,
  budget: null,
  parent: null,
  experiment: 'e1',
  labels: {},
  notes: '',
  lease: null,
  ttlMs: null,
  replicas: null,
  maxWaitMs: null,
  from: null,
  by: null,
  collect: null,
};
/** Without a gate: nobody has published a line. */
const poolOf = ({ queues }: TestQueues) => ({
  queues,
  name: 'main',
  catalog: { publishedGate: async () => null },
});
const submit = () => submitRequest(started.queues, request, { key: null, clock: { now: () => 0 } });

it('reports what was asked for, before the gate has looked at it', async () => {
  const id = await submit();
  expect(await readRequest(poolOf(started), id)).toEqual({
    id,
    pool: 'main',
    life: expect.stringMatching(/^[0-9a-f]{8}$/),
    state: 'waiting',
    progress: null,
    request,
    submittedAt: '1970-01-01T00:00:00.000Z',
    endedAt: null,
    instances: [],
    failure: null,
    children: [],
    position: null,
    whatWouldHelp: null,
    spawned: 0,
    of: 2,
  });
});

it('reports its jobs and how each of them stands', async () => {
  const { queues, work } = started;
  const id = await submit();
  await work('spawn', async () => {
    throw new Error('NO_SPACE: the disk is full');
  });
  const parent = { id, queue: queues.gate.qualifiedName };
  const spawnOptions = { jobId: `${id}-spawn-1`, parent, ignoreDependencyOnFailure: true };
  const spawn = await queues.spawn.add('spawn', {}, spawnOptions);
  await queues.prune.add('prune', {}, { jobId: `${id}-undo`, parent });
  await queues.prune.add('prune', {}, { jobId: 'of-another-request' });
  await expect.poll(() => spawn.getState()).toBe('failed');
  expect((await readRequest(poolOf(started), id)).children).toEqual([
    { id: `${id}-spawn-1`, queue: 'spawn', state: 'failed', failure: 'NO_SPACE: the disk is full' },
    { id: `${id}-undo`, queue: 'prune', state: 'waiting', failure: null },
  ]);
});

it('reports the code and the reason of one that failed, even if its payload is nobody’s', async () => {
  const { queues, work } = started;
  await work('gate', async () => {
    throw new Error('PAYLOAD_INVALID: count: expected a whole number');
  });
  const job = await queues.gate.add('request', { by: 'hand' });
  await expect.poll(() => job.getState()).toBe('failed');
  expect(await readRequest(poolOf(started), job.id ?? '')).toMatchObject({
    state: 'failed',
    request: null,
    failure: { code: 'PAYLOAD_INVALID', message: 'count: expected a whole number' },
  });
});

it('refuses an id that nobody knows', async () => {
  await expect(readRequest(poolOf(started), 'req-x')).rejects.toMatchObject({
    code: 'REQUEST_UNKNOWN',
  });
});

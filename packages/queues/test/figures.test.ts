import { Worker } from 'bullmq';
import { type Redis, ReplyError } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startLocal } from '../../../test/support/redis.ts';
import { connectProducer, connectWorker } from '../src/connection.ts';
import { countJobs, countWorkers, servedPools } from '../src/figures.ts';
import { prefixOf, QUEUE_NAMES } from '../src/names.ts';
import { openQueues, type PoolQueues } from '../src/open.ts';

let server: Awaited<ReturnType<typeof startLocal>>;
let redis: Redis;
let queues: PoolQueues;

beforeAll(async () => {
  server = await startLocal();
  redis = await connectProducer({ url: server.url });
  queues = openQueues('main', redis);
});

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

async function withWorker(
  name: 'gate' | 'prune',
  work: (worker: Worker) => Promise<void>,
  pool = 'main',
): Promise<void> {
  const connection = connectWorker({ url: server.url });
  const worker = new Worker(name, null, { connection, prefix: prefixOf(pool) });
  await worker.waitUntilReady();
  try {
    await work(worker);
  } finally {
    await worker.close(true);
    connection.disconnect();
  }
}

it('counts the jobs of each queue by state as BullMQ does', async () => {
  await queues.gate.add('request', {}, { jobId: 'fails' });
  await withWorker('gate', async (worker) => {
    const job = await worker.getNextJob('token');
    await job?.moveToFailed(new Error('so it is'), 'token');
    await queues.gate.add('request', {}, { jobId: 'runs' });
    await worker.getNextJob('token');
  });
  await queues.gate.addBulk([1, 2].map(() => ({ name: 'request', data: {} })));
  await queues.spawn.add('spawn', {}, { delay: 60_000 });
  const counted = await countJobs(redis, 'main');
  expect(counted.gate).toEqual({ waiting: 2, active: 1, delayed: 0, 'waiting-children': 0, failed: 1 });
  for (const name of QUEUE_NAMES) {
    const states = Object.keys(counted[name]) as Parameters<(typeof queues)['gate']['getJobCounts']>;
    expect(counted[name]).toEqual(await queues[name].getJobCounts(...states));
  }
});

it('counts the workers of each queue as BullMQ does', async () => {
  expect(await countWorkers(redis, 'main')).toEqual({ gate: 0, spawn: 0, prune: 0, sample: 0 });
  await withWorker('prune', async () => {
    const counted = await countWorkers(redis, 'main');
    expect(counted).toEqual({ gate: 0, spawn: 0, prune: 1, sample: 0 });
    expect(counted.prune).toBe(await queues.prune.getWorkersCount());
  });
});

it('does not know the workers where Redis does not list its clients, and passes on what else it says', async () => {
  const client = vi.spyOn(redis, 'client');
  client.mockRejectedValueOnce(new ReplyError("ERR unknown command 'client'"));
  expect(await countWorkers(redis, 'main')).toEqual({ gate: null, spawn: null, prune: null, sample: null });
  client.mockRejectedValueOnce(new Error('Connection is closed.'));
  await expect(countWorkers(redis, 'main')).rejects.toThrow('Connection is closed.');
});

it('names the pools that workers take requests of, whatever else they serve', async () => {
  expect(await servedPools(redis)).toEqual([]);
  await withWorker('prune', async () => expect(await servedPools(redis)).toEqual([]));
  await withWorker('gate', () =>
    withWorker(
      'gate',
      async () => expect(await servedPools(redis)).toEqual(['main', 'sweep-3f2a1c']),
      'sweep-3f2a1c',
    ),
  );
});

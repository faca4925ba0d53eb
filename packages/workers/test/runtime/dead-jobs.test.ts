import { closeQueues, openQueues, type PoolQueues, prefixOf } from '@spica/queues';
import { type Processor, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../../test/support/redis.ts';
import { freeDeadJobs } from '../../src/runtime/dead-jobs.ts';

describeOnRedis('the jobs of a worker that was killed', (server) => {
  let redis: Redis;
  let queues: PoolQueues;
  let workers: Worker[];
  const work = (processor: Processor) => {
    const connection = { url: server.url, maxRetriesPerRequest: null };
    const options = { prefix: prefixOf('main'), lockDuration: 3_600_000, maxStalledCount: 1_000 };
    const worker = new Worker('spawn', processor, { connection, ...options });
    workers.push(worker);
    return worker;
  };

  beforeEach(async () => {
    await server.flush();
    redis = new Redis(server.url, { maxRetriesPerRequest: 1 });
    queues = openQueues('main', redis);
    workers = [];
    return async () => {
      await Promise.all(workers.map((worker) => worker.close(true)));
      await closeQueues(queues);
      redis.disconnect();
    };
  });

  it('are taken up at once by the next one, though their locks would last for an hour', async () => {
    const never = Promise.withResolvers<void>();
    const killed = work(() => never.promise);
    const job = await queues.spawn.add('spawn', {});
    await expect.poll(() => job.getState()).toBe('active');
    await killed.close(true); // without handing its job back

    expect(await freeDeadJobs(queues, redis)).toBe(1);
    const again = Promise.withResolvers<string | undefined>();
    work(async ({ id }) => again.resolve(id));
    expect(await again.promise).toBe(job.id);
    await expect.poll(() => job.getState()).toBe('completed');
    never.resolve();
  });

  it('are none where none was in work', async () => {
    await queues.spawn.add('spawn', {});
    expect(await freeDeadJobs(queues, redis)).toBe(0);
    expect(await queues.spawn.getWaitingCount()).toBe(1);
  });
});

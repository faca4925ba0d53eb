import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { openEvents } from '../src/events.ts';
import { runJob } from '../src/job.ts';
import { closeQueues, openQueues } from '../src/open.ts';

describeOnRedis('a job that somebody waits for', (server) => {
  it('tells whoever waits that Redis is away, where it goes right after the job was added', async () => {
    await server.flush();
    const redis = new Redis(server.url, {
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      lazyConnect: true,
    });
    await redis.connect();
    const queues = openQueues('main', redis);
    const events = await openEvents(queues.prune, redis);
    onTestFinished(async () => {
      await events.close();
      await closeQueues(queues).catch(() => undefined); // over a connection that is gone
    });
    const add = queues.prune.add.bind(queues.prune);
    vi.spyOn(queues.prune, 'add').mockImplementation(async (...job) => {
      const added = await add(...job);
      redis.disconnect();
      return added;
    });
    await expect(runJob(queues.prune, 'prune', { pool: 'main' }, { redis, events })).rejects.toThrow(
      /isn't writeable|Connection is closed/,
    );
  });
});

import { systemClock } from '@spica/core';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { closeQueues, openQueues, type PoolQueues } from '../src/open.ts';
import { submitRequest } from '../src/submit.ts';
import { aRequest } from './request.ts';

describeOnRedis('submitting a request', (server) => {
  let redis: Redis;
  let queues: PoolQueues;
  const submit = (fields: Parameters<typeof aRequest>[0] = {}, key: string | null = null) =>
    submitRequest(queues, aRequest(fields), { key, clock: systemClock });
  const waiting = () => queues.gate.getJobCountByTypes('waiting');

  beforeEach(async () => {
    await server.flush();
    redis = new Redis(server.url, { maxRetriesPerRequest: 1 });
    queues = openQueues('main', redis);
    return async () => {
      await closeQueues(queues);
      redis.disconnect();
    };
  });

  it('puts each one into the gate under an id of its own', async () => {
    const ids = [await submit(), await submit()];
    expect(new Set(ids).size).toBe(2);
    expect(await waiting()).toBe(2);
    const job = await queues.gate.getJob(ids[0] ?? '');
    expect(job?.data).toMatchObject({ request: aRequest(), step: 'preflight', heldAt: null });
  });

  it('once, however often it is submitted under the same key', async () => {
    const fields = { count: 3, params: { B: 2, A: 'x' }, labels: { team: 'red' } };
    const ids = await Promise.all([1, 2, 3, 4].map(() => submit(fields, 'run 7: first try')));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).not.toContain(':');
    // The same request, whatever the order of its keys.
    expect(await submit({ ...fields, params: { A: 'x', B: 2 } }, 'run 7: first try')).toBe(ids[0]);
    expect(await waiting()).toBe(1);
  });

  it('refuses a key that a different request was submitted under, and leaves the first one alone', async () => {
    const id = await submit({ count: 3 }, 'k');
    await expect(submit({ count: 4 }, 'k')).rejects.toMatchObject({
      kind: 'usage',
      code: 'KEY_REUSED',
      message: `key: "k" was used for a different request before (${id})`,
    });
    expect(await waiting()).toBe(1);
    expect((await queues.gate.getJob(id))?.data.request.count).toBe(3);
  });

  it('gives the same key in another pool a request of its own', async () => {
    const other = openQueues('other', redis);
    const id = await submit({}, 'k');
    expect(await submitRequest(other, aRequest({ pool: 'other' }), { key: 'k', clock: systemClock })).toBe(
      id,
    );
    expect(await other.gate.getJobCountByTypes('waiting')).toBe(1);
    await closeQueues(other);
  });

  it('refuses what no gate would take, before Redis hears of it', async () => {
    await expect(submit({ count: 0 })).rejects.toMatchObject({ code: 'PAYLOAD_INVALID' });
    await expect(submit({ params: { 'NOT A NAME': 1 } })).rejects.toMatchObject({ code: 'PARAM_INVALID' });
    await expect(submit({ params: { A: 'x\ny' } })).rejects.toMatchObject({ code: 'PARAM_INVALID' });
    await expect(submit({}, '')).rejects.toMatchObject({ kind: 'usage', code: 'PAYLOAD_INVALID' });
    expect(await redis.dbsize()).toBe(0);
  });
});

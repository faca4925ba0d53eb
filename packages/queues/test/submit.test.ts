import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { closeQueues, openQueues, type PoolQueues } from '../src/open.ts';
import { parsePayload } from '../src/payload/parse.ts';
import { gatePayloadSchema } from '../src/payload/request.ts';
import { submitRequest } from '../src/submit.ts';
import { aRequest } from './request.ts';

const NOW = 1_700_000_000_000;

/** Parameters with which the JSON of a request has so many bytes: about 1 MB. */
function paramsFor(bytes: number): Record<string, string> {
  const most = Array.from({ length: 110 }, (_, i) => [`P${i}`, 'x'.repeat(9_000)]);
  const params = { ...Object.fromEntries(most), LAST: '' };
  const missing = bytes - Buffer.byteLength(JSON.stringify(aRequest({ params })));
  return { ...params, LAST: 'x'.repeat(missing) };
}

describeOnRedis('submitting a request', (server) => {
  let redis: Redis;
  let queues: PoolQueues;
  const clock = { now: () => NOW };
  const submit = (fields: Parameters<typeof aRequest>[0] = {}, key: string | null = null) =>
    submitRequest(queues, aRequest(fields), { key, clock });
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
    expect(job?.data).toEqual({
      request: aRequest(),
      submittedAt: NOW,
      life: expect.stringMatching(/^[0-9a-f]{8}$/),
      step: 'decide',
      round: 0,
      heldAt: null,
      fingerprint: null,
      prepared: 0,
      preparation: null,
      admitted: null,
      failure: null,
    });
    expect(parsePayload(gatePayloadSchema, job?.data, 'gate job')).toEqual(job?.data);
  });

  it('gives each submission a life of its own, and keeps the first under the same key', async () => {
    const lifeOf = async (id: string) => (await queues.gate.getJob(id))?.data.life;
    const lives = await Promise.all(Array.from({ length: 20 }, async () => lifeOf(await submit())));
    expect(new Set(lives).size).toBe(20);
    const id = await submit({}, 'k');
    const first = await lifeOf(id);
    await submit({}, 'k');
    expect(await lifeOf(id)).toBe(first);
    await queues.gate.remove(id); // as when it has been forgotten
    expect(await submit({}, 'k')).toBe(id);
    expect(await lifeOf(id)).not.toBe(first);
  });

  it('takes a request of exactly 1 MB, and refuses one byte more, with its size and that of its parameters', async () => {
    const id = await submit({ params: paramsFor(1_000_000) });
    const stored = (await queues.gate.getJob(id))?.data.request;
    expect(Buffer.byteLength(JSON.stringify(stored))).toBe(1_000_000);
    const params = paramsFor(1_000_001);
    await expect(submit({ params })).rejects.toMatchObject({
      kind: 'usage',
      code: 'REQUEST_TOO_LARGE',
      message: `request: expected at most 1000000 bytes (1.0 MB) as JSON, got 1000001, of which params are ${Buffer.byteLength(JSON.stringify(params))}`,
      details: { bytes: 1_000_001 },
    });
    expect(await waiting()).toBe(1);
  });

  it('counts bytes, not characters, and all of the request', async () => {
    const params = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`P${i}`, 'ü'.repeat(10_000)]));
    const labels = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, i) => [`${i}`.padStart(200, '0'), 'ü'.repeat(100)]),
    );
    await submit({ params });
    await submit({ labels });
    await expect(submit({ params, labels })).rejects.toMatchObject({ code: 'REQUEST_TOO_LARGE' });
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
    expect(await submitRequest(other, aRequest({ pool: 'other' }), { key: 'k', clock })).toBe(id);
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

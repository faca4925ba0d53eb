import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requestViewSchema } from '@spica/client/wire';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiStack, startApi } from './stack.ts';

let api: ApiStack;
beforeAll(async () => {
  api = await startApi({ settings: { 'gate.max_wait': '10m' } });
});
afterAll(() => api.close());

const soon = { headers: { prefer: 'wait=30' } };

it('submits a request, and answers with its instances once they are there, if that is preferred', async () => {
  const { status, json, headers } = await api.call(
    'ada',
    'POST',
    '/v1/requests',
    { count: 2, params: { LR: 0.1 } },
    soon,
  );
  expect(status).toBe(201);
  const view = requestViewSchema.parse(json);
  expect(view).toMatchObject({ state: 'completed', request: { count: 2, by: 'ada', params: { LR: 0.1 } } });
  expect(view.instances).toHaveLength(2);
  expect(headers.location).toBe(`/v1/requests/${view.id}`);
  expect(await api.call('ada', 'GET', `/v1/requests/${view.id}/result`)).toMatchObject({
    status: 200,
    json: { instances: view.instances },
  });
});

it('submits once under a key: 201, then 200 with what is there, and 409 for another request', async () => {
  const keyed = { headers: { 'idempotency-key': 'sweep/1' } };
  const first = await api.call('ada', 'POST', '/v1/requests', { count: 1, notes: 'a' }, keyed);
  const again = await api.call('ada', 'POST', '/v1/requests', { count: 1, notes: 'a' }, keyed);
  expect([first.status, again.status]).toEqual([201, 200]);
  expect(again.json).toMatchObject({ id: (first.json as { id: string }).id });
  const other = await api.call('ada', 'POST', '/v1/requests', { count: 2, notes: 'a' }, keyed);
  expect(other).toMatchObject({ status: 409, json: { code: 'KEY_REUSED', kind: 'usage', retryable: false } });
  const bobs = await api.call('bob', 'POST', '/v1/requests', { count: 1, notes: 'a' }, keyed);
  expect(bobs.status).toBe(201); // a key is its token's own
});

it('tells a lease token that it made, this once, and takes the hash of one that the caller made', async () => {
  const made = await api.call('ada', 'POST', '/v1/requests', { count: 1, lease: '1h' }, soon);
  const { leaseToken, id, instances } = made.json as {
    leaseToken: string;
    id: string;
    instances: { id: string }[];
  };
  expect(leaseToken).toMatch(/^[0-9a-f]{32}$/);
  const [instance] = instances;
  const release = { headers: { 'spica-lease-token': leaseToken } };
  const ended = await api.call('ada', 'DELETE', `/v1/instances/${instance?.id}/lease`, undefined, release);
  expect(ended).toMatchObject({ status: 200, json: { outcome: 'released' } });
  expect((await api.call('ada', 'GET', `/v1/requests/${id}`)).text).not.toContain(leaseToken);
  const token = 'ab'.repeat(16);
  const leaseTokenHash = createHash('sha256').update(token).digest('hex');
  const brought = await api.call(
    'ada',
    'POST',
    '/v1/requests',
    { count: 1, lease: '1h', leaseTokenHash },
    soon,
  );
  expect(brought.json).not.toHaveProperty('leaseToken');
  expect(brought.text).not.toContain(leaseTokenHash);
  const keyed = { headers: { 'idempotency-key': 'leased' } };
  expect(await api.call('ada', 'POST', '/v1/requests', { count: 1, lease: '1h' }, keyed)).toMatchObject({
    status: 400,
    json: { field: 'leaseTokenHash' },
  });
});

it('says of a request that can never be admitted why, with the sum', async () => {
  const { status, json } = await api.call('ada', 'POST', '/v1/requests', { count: 5_000 }, soon);
  expect([status, (json as { state: string }).state]).toEqual([201, 'failed']);
  const { id } = json as { id: string };
  const problem = await api.call('ada', 'GET', `/v1/requests/${id}/result`);
  expect(problem.headers['content-type']).toContain('application/problem+json');
  expect(problem).toMatchObject({
    status: 409,
    json: {
      type: 'urn:spica:problem:refused',
      kind: 'refused',
      retryable: false,
      details: expect.anything(),
    },
  });
});

it('takes a request back while it is held', async () => {
  const before = await api.call('ada', 'POST', '/v1/requests', { count: 10, lease: '1h' });
  const held = await api.call('ada', 'POST', '/v1/requests', { count: 10 });
  const { id } = held.json as { id: string };
  const pending = await api.call('ada', 'GET', `/v1/requests/${id}/result`);
  expect(pending).toMatchObject({ status: 504, json: { code: 'WAIT_TIMED_OUT' } });
  expect(await api.call('ada', 'DELETE', `/v1/requests/${id}`)).toMatchObject({
    status: 200,
    json: { outcome: 'cancelled' },
  });
  const ended = await api.call('ada', 'GET', `/v1/requests/${id}`, undefined, soon);
  expect(ended.json).toMatchObject({ state: 'failed', failure: { code: expect.stringContaining('CANCEL') } });
  const { id: first } = before.json as { id: string };
  await api.call('ada', 'DELETE', `/v1/requests/${first}`); // held for a minute, it would let nobody pass
});

it('lists requests, part by part, the newest first', async () => {
  const first = await api.call('viewer', 'GET', '/v1/requests?limit=2');
  const { items, next } = first.json as { items: { id: string }[]; next: string };
  expect(items).toHaveLength(2);
  const second = await api.call('viewer', 'GET', `/v1/requests?limit=2&cursor=${encodeURIComponent(next)}`);
  const ids = (second.json as { items: { id: string }[] }).items.map(({ id }) => id);
  expect(ids.filter((id) => items.some((each) => each.id === id))).toEqual([]);
  const failed = await api.call('viewer', 'GET', '/v1/requests?state=failed');
  expect((failed.json as { items: { state: string }[] }).items.map(({ state }) => state)).toContain('failed');
});

it.each(['nobody', 'req-zz', 'meta', 'wait', '../gate', 'req-000000000000', '__proto__'])(
  'knows no request %j, and says so',
  async (id) => {
    for (const end of ['', '/result', '/events']) {
      const { status, json } = await api.call('ada', 'GET', `/v1/requests/${encodeURIComponent(id)}${end}`);
      expect([status, (json as { code: string }).code]).toEqual([404, 'REQUEST_UNKNOWN']);
    }
  },
);

it.each([
  [{ count: 0 }, 'count'],
  [{ count: 1, params: { 'a b': 1 } }, 'params'],
  [{ count: 1, nonsense: 1 }, ''],
  [{ count: 1.5 }, 'count'],
  [{ count: 1, template: '../../etc' }, null],
])('refuses %j, and names the field', async (body, field) => {
  const { status, json } = await api.call('ada', 'POST', '/v1/requests', body);
  if (field === null) return expect(status).toBeLessThan(500);
  expect([status, (json as { retryable: boolean }).retryable]).toEqual([400, false]);
  if (field !== '') expect((json as { field: string }).field).toContain(field);
});

it('keeps the budget that was asked for, in the manifests, and that of the config for what was left out', async () => {
  const body = { count: 1, budget: { cpu: 2, vramGb: 0 } };
  const { json } = await api.call('ada', 'POST', '/v1/requests', body, soon);
  const [{ path }] = (json as { instances: [{ path: string }] }).instances;
  const manifest = JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
  expect(manifest.budget).toEqual({ cpu: 2, ram_gb: 8, vram_gb: 0 });
});

it('tells where an instance is to whoever submitted it, and to operators', async () => {
  const id = await api.spawn('ada');
  const path = join(api.stack.ctx.pool.paths.root, id);
  const at = async (who: 'ada' | 'bob' | 'viewer' | 'operator') => {
    const { json } = await api.call(who, 'GET', `/v1/instances/${id}`);
    const list = await api.call(who, 'GET', '/v1/instances');
    const listed = (list.json as { items: { id: string; path: string }[] }).items.find(
      (each) => each.id === id,
    );
    expect(listed?.path).toBe((json as { path: string }).path);
    return (json as { path: string | null }).path;
  };
  expect([await at('ada'), await at('operator')]).toEqual([path, path]);
  expect([await at('bob'), await at('viewer')]).toEqual([null, null]);
});

it('names a wrong limit, and says that there is no such call', async () => {
  const limit = await api.call('viewer', 'GET', '/v1/requests?limit=abc');
  expect(limit.json).toMatchObject({ status: 400, field: 'limit' });
  expect(JSON.stringify(limit.json)).toContain('expected a whole number from 1 to 1000');
  const { json } = await api.call('viewer', 'PUT', '/v1/requests');
  expect(json).toMatchObject({ status: 404, code: 'ROUTE_UNKNOWN' });
});

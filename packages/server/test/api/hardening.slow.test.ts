import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from './http.ts';
import { type ApiStack, makeToken, startApi } from './stack.ts';

let api: ApiStack;
beforeAll(async () => {
  api = await startApi({ server: { rateLimit: 200 } });
});
afterAll(() => api.close());

const post = (body: Buffer, headers: Record<string, string> = {}) =>
  ask(api.server.url, '/v1/requests', { method: 'POST', token: api.tokens.operator, body, headers });

it.each([
  ['a name that reaches a prototype', '{"count":1,"__proto__":{"admin":true}}'],
  ['a name that reaches a prototype, in params', '{"count":1,"params":{"__proto__":{"x":1}}}'],
  ['an object in params', '{"count":1,"params":{"constructor":{"prototype":{}}}}'],
  ['a number beyond all numbers', '{"count":1e999}'],
  ['a huge number', '{"count":9007199254740993}'],
  ['a negative number', '{"count":-1}'],
  ['what is no JSON', '{"count":1'],
  ['nothing', ''],
  ['null', 'null'],
  ['a list', '[1,2,3]'],
  ['lists in lists, 400,000 deep', `${'['.repeat(400_000)}${']'.repeat(400_000)}`],
  ['objects in objects, 100,000 deep', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ['a lone surrogate', '{"count":1,"notes":"\\ud800","params":{"A":"\\ud800"}}'],
])('refuses %s with a problem, and goes on', async (_, text) => {
  const { status, json, text: answered } = await post(Buffer.from(text));
  expect(status, answered).toBe(400);
  expect(json).toMatchObject({ kind: 'usage', retryable: false, code: expect.stringMatching(/^[A-Z_]+$/) });
  expect(answered.length).toBeLessThan(2_000);
});

it('refuses bytes that are no UTF-8, another type, and more than 1 MB', async () => {
  const bytes = Buffer.concat([
    Buffer.from('{"count":1,"notes":"'),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}'),
  ]);
  expect(await post(bytes)).toMatchObject({ status: 400, json: { code: 'BODY_INVALID' } });
  expect(
    await post(Buffer.from('count=1'), { 'content-type': 'application/x-www-form-urlencoded' }),
  ).toMatchObject({
    status: 415,
    json: { code: 'MEDIA_TYPE_UNKNOWN' },
  });
  expect(await post(Buffer.from('{"count":1}'), { 'content-type': 'text/plain' })).toMatchObject({
    status: 415,
  });
  const large = Buffer.from(JSON.stringify({ count: 1, notes: 'x'.repeat(1_100_000) }));
  expect(await post(large)).toMatchObject({
    status: 413,
    json: { code: 'REQUEST_TOO_LARGE', retryable: false },
  });
});

it('answers what there is not with a problem, and no path of its own', async () => {
  for (const path of [
    '/v1/nothing',
    '/v1/requests/../../etc/passwd',
    '/v1/pools/%2e%2e',
    '/v1/instances/%00',
  ]) {
    const { status, json, text } = await ask(api.server.url, path, { token: api.tokens.operator });
    expect([status, (json as { kind: string }).kind], text).toEqual([404, 'check']);
  }
  expect(await ask(api.server.url, '/v1/pools/%zz', { token: api.tokens.operator })).toMatchObject({
    status: 400,
  });
  expect(await ask(api.server.url, '/v1/instances?pool=other', { token: api.tokens.operator })).toMatchObject(
    {
      status: 404,
      json: { code: 'POOL_UNKNOWN', field: 'pool' },
    },
  );
});

it('refuses what would be taken for something else', async () => {
  const { operator } = api.tokens;
  const body = { count: 1, experiment: 'a\u0000b' };
  const id = await api.spawn('operator');
  const lease = { method: 'PUT', token: operator, body: { lease: 0 } };
  for (const reply of [
    await ask(api.server.url, '/v1/requests', { method: 'POST', token: operator, body }),
    await ask(api.server.url, '/v1/instances?label=__proto__=x', { token: operator }),
    await ask(api.server.url, `/v1/instances/${id}/lease`, lease),
  ])
    expect(reply).toMatchObject({ status: 400, json: { code: 'PAYLOAD_INVALID' } });
  expect(await ask(api.server.url, '/v1/pool', { method: 'POST', token: operator })).toMatchObject({
    status: 404,
    json: { code: 'ROUTE_UNKNOWN' },
  });
});

it('cuts off a client whose body drips', async () => {
  const { hostname, port } = new URL(api.server.url);
  const socket = connect(Number(port), hostname);
  const closed = Promise.withResolvers<void>();
  socket.on('error', () => undefined).on('close', () => closed.resolve());
  const head = `POST /v1/requests HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${api.tokens.operator}\r\n`;
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`);
  const drip = setInterval(() => socket.write(' '), 500);
  await closed.promise;
  clearInterval(drip);
});

it('takes so many calls in a minute of one token, and no fewer of another', async () => {
  const token = await makeToken(api.redis, 'busy', 'viewer');
  const calls = await Promise.all(
    Array.from({ length: 230 }, () => ask(api.server.url, '/v1/stats', { token })),
  );
  const refused = calls.filter(({ status }) => status === 429);
  expect(calls.filter(({ status }) => status === 200)).toHaveLength(200);
  expect(refused).toHaveLength(30);
  expect(refused[0]).toMatchObject({ json: { code: 'RATE_LIMITED', retryable: true } });
  expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThan(0);
  expect((await api.call('viewer', 'GET', '/v1/stats')).status).toBe(200);
});

it('gives each answer an id, under which the log has it', async () => {
  const [one, other] = [
    await api.call('viewer', 'GET', '/v1/stats'),
    await api.call('viewer', 'GET', '/v1/nothing'),
  ];
  expect(one.headers['request-id']).toMatch(/^[0-9a-f]{16}$/);
  expect(other.headers['request-id']).not.toBe(one.headers['request-id']);
});

import { createSessions, createTokens } from '@spica/catalog';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStream, type ServerEvent, type Stream } from './sse.ts';
import { type ApiStack, startApi } from './stack.ts';

let api: ApiStack;
const streams: Stream[] = [];
beforeEach(async () => {
  api = await startApi({ server: { streamLimits: { most: 4, mostOfCaller: 3 } } });
});
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await api.close();
});

async function open(path: string, who: keyof ApiStack['tokens'] = 'ada', more: Record<string, string> = {}) {
  const stream = await openStream(api.server.url, path, {
    authorization: `Bearer ${api.tokens[who]}`,
    ...more,
  });
  streams.push(stream);
  return stream;
}

const phaseOf = ({ data }: ServerEvent) => (data as { phase: string }).phase;
const is = (phase: string) => (event: ServerEvent) => phaseOf(event) === phase;

/** A request that is held, since all slots are leased. */
async function held(): Promise<string> {
  await api.call(
    'ada',
    'POST',
    '/v1/requests',
    { count: 10, lease: '1h' },
    { headers: { prefer: 'wait=30' } },
  );
  const { json } = await api.call('ada', 'POST', '/v1/requests', { count: 2 });
  return (json as { id: string }).id;
}

it('tells where a request stands to its end, and then that there is no more', async () => {
  const { json } = await api.call('ada', 'POST', '/v1/requests', { count: 2 });
  const path = `/v1/requests/${(json as { id: string }).id}/events`;
  const events = await (await open(path)).ended;
  expect(events.map(phaseOf).at(-1)).toBe('ready');
  const last = events.at(-1)?.id ?? '';
  expect((await open(path, 'ada', { 'last-event-id': last })).status).toBe(204);
  const again = await (await open(path, 'ada', { 'last-event-id': 'of-before' })).ended;
  expect(again.map(phaseOf)).toEqual(['ready']);
});

it('goes on after the last event that was seen: nothing twice, nothing left out', async () => {
  const id = await held();
  const first = await open(`/v1/requests/${id}/events`);
  const seen = (await first.until(is('held'))).find(is('held'));
  first.close();
  const second = await open(`/v1/requests/${id}/events`, 'ada', { 'last-event-id': seen?.id ?? '' });
  await api.call('ada', 'DELETE', `/v1/requests/${id}`);
  const rest = await second.ended;
  expect(rest.map(({ id: each }) => each)).not.toContain(seen?.id);
  expect(rest.map(phaseOf).at(-1)).toBe('rejected');
});

it('refuses more streams than one caller, or the server, may have, politely, until one is closed', async () => {
  const id = await held();
  const path = `/v1/requests/${id}/events`;
  const mine = [await open(path), await open(path), await open(path)];
  const tooMany = await api.call('ada', 'GET', path);
  expect(tooMany).toMatchObject({ status: 429, json: { code: 'STREAMS_EXHAUSTED', retryable: true } });
  expect(Number(tooMany.headers['retry-after'])).toBeGreaterThan(0);
  await open(path, 'bob');
  const busy = await api.call('viewer', 'GET', path);
  expect(busy).toMatchObject({ status: 503, json: { code: 'SERVER_BUSY', retryable: true } });
  expect(Number(busy.headers['retry-after'])).toBeGreaterThan(0);
  mine[0]?.close();
  await expect.poll(async () => (await open(path, 'viewer')).status).toBe(200);
});

it('ends streams when the server ends, and whoever comes back goes on', async () => {
  const stream = await open(`/v1/requests/${await held()}/events`);
  await stream.until(is('held'));
  await api.server.close();
  expect((await stream.ended).map(phaseOf)).not.toContain('rejected');
});

it('ends the streams of a token that is revoked', async () => {
  const stream = await open(`/v1/requests/${await held()}/events`);
  const other = await open('/v1/audit', 'viewer');
  await stream.until(is('held'));
  await createTokens(api.redis).revoke('ada');
  expect((await stream.ended).map(phaseOf)).not.toContain('failed');
  await createTokens(api.redis).revoke('viewer');
  await other.ended;
});

it('ends the streams of a browser that logs out, and of one whose token is revoked', async () => {
  const sessions = createSessions(api.redis);
  const follow = async (name: 'ada' | 'bob') => {
    const secret = await sessions.begin({ name, token: api.tokens[name] }, Date.now());
    const stream = await openStream(api.server.url, '/v1/audit', { cookie: `spica-session=${secret}` });
    streams.push(stream);
    return { secret, stream };
  };
  const [ada, bob] = [await follow('ada'), await follow('bob')];
  expect([ada.stream.status, bob.stream.status]).toEqual([200, 200]);
  await sessions.end(ada.secret);
  await ada.stream.ended;
  await createTokens(api.redis).revoke('bob');
  await bob.stream.ended;
});

it('answers HEAD without a stream', async () => {
  const more = { headers: { accept: 'text/event-stream' } };
  const { status, headers } = await api.call('viewer', 'HEAD', '/v1/audit', undefined, more);
  expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('application/json')]);
});

it('follows the audit log, from an entry on', async () => {
  const id = await api.spawn('ada');
  const { json } = await api.call('viewer', 'GET', '/v1/audit');
  const last = (json as { items: { seq: number }[] }).items.at(-1)?.seq ?? 0;
  const stream = await open('/v1/audit', 'viewer', { 'last-event-id': String(last) });
  await api.call('ada', 'PUT', `/v1/instances/${id}/pin`, { why: 'followed' });
  const isPin = ({ data }: ServerEvent) => (data as { action: string }).action === 'pin_instance';
  const events = await stream.until(isPin);
  expect(events[0]?.id).toBe(String(last + 1));
  expect(events.find(isPin)).toMatchObject({ data: { reason: 'pinned by ada: followed', instance: id } });
});

import type { ActionPreview, ActionView, InstanceView } from '@spica/client/wire';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type ApiStack, startApi } from './stack.ts';

let api: ApiStack;
let ids: string[];
beforeAll(async () => {
  api = await startApi({ settings: { 'pools.main.retention.max_instances': 100 } });
});
afterAll(() => api.close());

let round = 0;
/** Four of ada's, of an experiment of their own: the first is leased, the second pinned. */
beforeEach(async () => {
  round += 1;
  ids = [];
  for (let i = 0; i < 4; i += 1) ids.push(await api.spawn('ada', { experiment: `round-${round}` }));
  const [leased = '', pinned = ''] = ids;
  await api.call('ada', 'PUT', `/v1/instances/${leased}/lease`, { lease: '1h' });
  await api.call('ada', 'PUT', `/v1/instances/${pinned}/pin`, { why: 'baseline' });
});

const act = async (who: 'operator' | 'ada' | 'bob', body: object, query = '') =>
  api.call(who, 'POST', `/v1/instances/actions${query}`, { reason: 'tests', ...body });
const list = async (query = '') => {
  const { json } = await api.call('viewer', 'GET', `/v1/instances?experiment=round-${round}${query}`);
  return json as { items: InstanceView[]; total: number };
};

it('deletes of those chosen what nothing protects, by a plan of just these, and says why the others stay', async () => {
  const [leased = '', pinned = '', free = '', kept = ''] = ids;
  const chosen = [leased, pinned, free, 'spica-000000000000'];
  const dry = await act('operator', { action: 'prune', ids: chosen }, '?dryRun=true');
  expect(dry.json as ActionPreview).toMatchObject({ matched: 3, sample: [leased, pinned, free] });
  expect((dry.json as ActionPreview).commandLine).toBe(`spica prune ${chosen.join(' ')}`);
  expect((await list()).total).toBe(4);

  const { status, json } = await act('operator', { action: 'prune', ids: chosen });
  expect(status).toBe(200);
  const { matched, done, failed } = json as ActionView;
  expect({ matched, done }).toEqual({ matched: 3, done: 1 });
  expect(Object.fromEntries(failed.map(({ id, reason }) => [id, reason]))).toEqual({
    [leased]: expect.stringMatching(/^leased by ada until /),
    [pinned]: 'pinned by ada: baseline',
    'spica-000000000000': 'it is not there',
  });
  expect((await list()).items.map(({ id }) => id)).toEqual([leased, pinned, kept]);

  const back = await act('operator', { action: 'restore', ids: [free] });
  expect(back.json).toMatchObject({ matched: 1, done: 1, failed: [] });
  expect((await list()).items.map(({ id }) => id)).toContain(free);
});

it('does what is asked with all that match, once their number is known, and the reason is in the audit log', async () => {
  const match = { experiment: `round-${round}`, pin: 'none' };
  const why = { action: 'pin', match, reason: 'the paper', why: 'figure 3' };
  const refused = await act('operator', why);
  expect(refused.json).toMatchObject({ code: 'CONFIRM_MISSING', field: 'confirm' });
  const dry = (await act('operator', why, '?dryRun=true')).json as ActionPreview;
  expect(dry).toMatchObject({ matched: 3, ownBytes: expect.any(Number) });
  expect(dry.commandLine).toBe(
    `spica ls --quiet --filter experiment=round-${round} --filter pin=none | xargs -r spica pin --why 'figure 3'`,
  );
  const changed = await act('operator', { ...why, confirm: 2 });
  expect([changed.status, changed.json]).toMatchObject([409, { code: 'MATCH_CHANGED' }]);
  expect((await list('&pin=pinned')).total).toBe(1);

  expect((await act('operator', { ...why, confirm: 3 })).json).toEqual({ matched: 3, done: 3, failed: [] });
  const { items } = await list('&pin=pinned');
  expect(items.map(({ pin }) => pin?.why)).toEqual(['figure 3', 'baseline', 'figure 3', 'figure 3']);
  await expect
    .poll(async () => (await api.call('operator', 'GET', '/v1/audit?limit=50')).text)
    .toContain('pin of 3, asked for by operator: the paper');
});

it('lets a runner act on its own alone, and neither delete nor take leases away', async () => {
  const [leased = '', pinned = ''] = ids;
  for (const body of [
    { action: 'unpin', ids: [pinned] },
    { action: 'unpin', match: { by: 'ada' }, confirm: 1 },
  ]) {
    expect((await act('bob', body)).json).toMatchObject({ code: 'FORBIDDEN' });
  }
  const unmatched = await act('bob', {
    action: 'unpin',
    match: { experiment: `round-${round}` },
    confirm: 0,
  });
  expect(unmatched.json).toEqual({ matched: 0, done: 0, failed: [] });
  expect((await act('ada', { action: 'prune', ids })).json).toMatchObject({ code: 'FORBIDDEN' });
  const own = (await act('ada', { action: 'release', ids: [leased] })).json as ActionView;
  expect(own.failed).toEqual([{ id: leased, reason: expect.stringContaining('leased by ada') }]);
  expect((await act('ada', { action: 'unpin', ids: [pinned] })).json).toMatchObject({ done: 1 });
  expect((await act('operator', { action: 'release', ids: [leased] })).json).toMatchObject({ done: 1 });
  const { items } = await list();
  expect(items.map(({ lease, pin }) => [lease, pin])).toEqual([...'1234'].map(() => [null, null]));
});

it('measures and collects many with one call, and shows how sizes went', async () => {
  const { json } = await api.call('ada', 'POST', '/v1/samples', { ids });
  expect(
    (json as { measured: InstanceView[] }).measured?.map(({ id }) => id),
    JSON.stringify(json),
  ).toEqual(ids);
  expect((await act('ada', { action: 'sample', ids })).json).toMatchObject({ matched: 4, done: 4 });
  const { items } = await list();
  for (const { sizes, ownBytes, rule } of items) {
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.at(-1)).toEqual([expect.any(Number), ownBytes]);
    expect(rule).toMatchObject({ verdict: expect.stringMatching(/^(keeps|goes)$/) });
  }
  const others = await api.call('bob', 'POST', '/v1/samples', { ids });
  expect(others.json).toMatchObject({ code: 'FORBIDDEN' });
  expect((await api.call('ada', 'POST', '/v1/samples', {})).json).toMatchObject({ code: 'FORBIDDEN' });
});

it.each([
  [{ action: 'prune' }, 'ids: expected either ids or match'],
  [{ action: 'restore', match: {} }, 'ids: expected with restore'],
  [{ action: 'burn', ids: ['spica-000000000000'] }, 'action: '],
  [{ action: 'pin', match: { colour: 'red' } }, 'match.colour: unknown key'],
])('refuses %j, and says what was expected', async (body, message) => {
  const { status, json } = await act('operator', body);
  expect(status).toBe(400);
  expect((json as { detail: string }).detail).toContain(message);
});

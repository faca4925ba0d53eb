import type { DiskHistory, Page, PoolView, ProfileView, SpaceNode } from '@spica/client/wire';
import {
  diskHistorySchema,
  poolViewSchema,
  profileViewSchema,
  requestViewSchema,
  spaceNodeSchema,
} from '@spica/client/wire';
import type { AuditRecord, PrunePlan, WhatIfPlan } from '@spica/queues';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aRecord, aSample } from '../../../catalog/test/open.ts';
import { openStream, type ServerEvent } from './sse.ts';
import { type ApiStack, startApi } from './stack.ts';

let api: ApiStack;
const settings = {
  'pools.main.retention.keep_best': 1,
  'pools.main.retention.keep_after_lease': '0s',
  'pools.main.disk.check_every': '1s',
};
beforeAll(async () => {
  api = await startApi({ settings });
});
afterAll(() => api.close());

async function get<T>(path: string, who: 'viewer' | 'operator' = 'viewer'): Promise<T> {
  const { status, json, text } = await api.call(who, 'GET', path);
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  return json as T;
}
const pool = (who?: 'viewer' | 'operator') => get<PoolView>('/v1/pools/main', who);
const newest = async () => (await get<Page<AuditRecord>>('/v1/audit?limit=1')).items[0];
/** It is written after it was done: else it is news to the next test. */
const untilUnpinned = () =>
  expect.poll(async () => (await newest())?.action, { timeout: 60_000 }).toBe('unpin_instance');

it('tells how a pool stands: a verdict, its disk, its policy, where it is, and whether the audit log holds', async () => {
  await expect.poll(async () => (await pool()).audit?.state).toBe('intact');
  const view = await pool();
  expect(() => poolViewSchema.parse(view)).not.toThrow();
  expect(view).toMatchObject({
    verdict: { level: 'safe', sentence: expect.stringMatching(/^Safe: .+ above the floor/), until: null },
    served: true,
    policy: {
      sentence:
        'at most 10 instances, none older than 3 days, oldest first, except the best of each experiment',
      maxInstances: 10,
      keepBest: 1,
      minFreeBytes: 1e6,
      maxPoolBytes: null,
    },
    disk: { floorBytes: 1e6, targetBytes: 1.5e6 },
    imageHost: null,
    clonesBy: api.stack.ctx.method,
    audit: { state: 'intact', sentence: expect.stringMatching(/^the chain of \d+ entries holds$/) },
  });
  expect(view.disk?.totalBytes).toBeGreaterThan(view.disk?.availableBytes ?? 0);
  expect(view.host).toEqual(expect.any(String));
  expect(view.filesystem).toMatch(/^[a-z0-9]+$/);
  expect(Date.now() - Date.parse(view.at ?? '')).toBeLessThan(30_000);
});

it('says who waits for what and until when, in the verdict and of the request itself', async () => {
  await api.call(
    'ada',
    'POST',
    '/v1/requests',
    { count: 10, lease: '1h', experiment: 'full' },
    { headers: { prefer: 'wait=30' } },
  );
  const { json } = await api.call('ada', 'POST', '/v1/requests', { count: 2, params: { SECRET: 'x' } });
  const { id } = json as { id: string };
  await expect.poll(async () => (await pool()).heldCount).toBe(1);
  await expect.poll(async () => (await pool()).verdict.until).not.toBeNull();
  const view = await pool();
  expect(view.verdict.level).toBe('watch');
  expect(view.verdict.sentence).toMatch(/^One request waits: 2 slots short until .+ UTC, when 2 leases end$/);
  expect(Date.parse(view.verdict.until ?? '') - Date.now()).toBeGreaterThan(50 * 60_000);
  expect(view.held[0]?.whatWouldHelp).toContain('2 leases end within');
  const request = await get<Record<string, unknown>>(`/v1/requests/${id}`);
  expect(request).toMatchObject({
    position: 1,
    whatWouldHelp: view.held[0]?.whatWouldHelp,
    spawned: 0,
    of: 2,
  });
  expect(request['request']).not.toHaveProperty('params');
  const [listed] = (await get<Page<Record<string, unknown>>>('/v1/requests')).items;
  expect(listed).toMatchObject({ id, position: 1, of: 2 });
  await api.call('ada', 'DELETE', `/v1/requests/${id}`);
  await expect.poll(async () => (await get<typeof request>(`/v1/requests/${id}`))['position']).toBeNull();
  const done = (await get<Page<Record<string, unknown>>>('/v1/requests?state=completed')).items[0];
  expect(
    requestViewSchema.partial({ request: true }).parse({ ...done, request: null, instances: [] }),
  ).toMatchObject({
    spawned: 10,
    of: 10,
    position: null,
  });
});

it('remembers how the disk was used and what happened, and foretells what is to come once that is known', async () => {
  await expect
    .poll(async () => (await get<DiskHistory>('/v1/pools/main/history')).marks.length)
    .toBeGreaterThan(0);
  const history = await get<DiskHistory>('/v1/pools/main/history?hours=1');
  expect(() => diskHistorySchema.parse(history)).not.toThrow();
  const point = history.points.at(-1);
  expect(point?.availableBytes).toBeGreaterThan(0);
  expect(point).toMatchObject({ growthBytes: expect.any(Number), hostAvailableBytes: null });
  expect(history).toMatchObject({
    floorBytes: 1e6,
    targetBytes: 1.5e6,
    forecast: { trend: 'unknown', band: [] },
  });
  const held = history.marks.find(({ kind }) => kind === 'held');
  expect(held?.text).toMatch(/^request req-.+ is held: /);
  const [entry] = (await get<Page<AuditRecord>>(`/v1/audit?after=${(held?.seq ?? 0) - 1}&limit=1`)).items;
  expect(entry).toMatchObject({ action: 'hold_request', seq: held?.seq });
  for (const hours of [0, 721, 'x'])
    expect(await api.call('viewer', 'GET', `/v1/pools/main/history?hours=${hours}`)).toMatchObject({
      status: 400,
      json: { code: 'PAYLOAD_INVALID' },
    });
  // A disk that has filled for hours, as a worker would have remembered it.
  const now = Date.now();
  const rest = { instancesBytes: 1, trashBytes: 2, templatesBytes: 3, othersBytes: 4 };
  const filling = Array.from({ length: 30 }, (_, i) => ({
    at: now - (30 - i) * 600_000,
    availableBytes: 40e9 - i * 1e9,
    ...rest,
    growthBytes: 5,
    reservedBytes: 6,
    hostAvailableBytes: 7,
  }));
  const { redis } = api;
  const fill = () =>
    redis.zadd(
      '{spica:main}:catalog:disk-history',
      ...filling.flatMap(({ at, ...each }) => [at, JSON.stringify([at, ...Object.values(each)])]),
    );
  // Again where the worker, which knows better, has written its own in between.
  let filled = { points: [] } as unknown as DiskHistory;
  const first = async () => {
    await fill();
    filled = await get<DiskHistory>('/v1/pools/main/history?hours=24');
    return filled.points[0];
  };
  const told = { ...filling[0], at: new Date(filling[0]?.at ?? 0).toISOString() };
  await expect.poll(first).toEqual(told);
  expect(filled.forecast?.band).toHaveLength(25);
  const end = filled.forecast?.band.at(-1);
  expect(Date.parse(end?.at ?? '') - now).toBeGreaterThan(5 * 3_600_000);
  expect(end?.lowBytes).toBeLessThanOrEqual(end?.highBytes ?? -1);
});

it('shows what takes the space, the largest first, and how well sizes were foretold', async () => {
  const tree = await get<SpaceNode>('/v1/pools/main/space');
  expect(() => spaceNodeSchema.parse(tree)).not.toThrow();
  expect(tree).toMatchObject({ kind: 'pool', name: 'main', instances: 10 });
  const [experiment] = tree.children ?? [];
  expect(experiment).toMatchObject({ kind: 'experiment', name: 'full', instances: 10 });
  expect(experiment?.children?.[0]).toMatchObject({ kind: 'template', name: 'default' });
  expect(experiment?.children?.[0]?.children).toHaveLength(10);
  const few = await get<SpaceNode>('/v1/pools/main/space?leaves=3');
  const leaves = few.children?.[0]?.children?.[0]?.children ?? [];
  expect(leaves.map(({ kind, instances }) => [kind, instances])).toEqual([
    ['instance', 1],
    ['instance', 1],
    ['instance', 1],
    ['rest', 7],
  ]);

  const { catalog } = api.stack.ctx;
  const size = (bytes: number) => ({ bytes, inodes: 1 });
  const finished = { at: Date.now(), final: size(3e9), clone: size(1e9), grewForMs: 1, predicted: size(2e9) };
  for (const of of ['template:default', 'experiment:full', 'replica:default']) {
    await catalog.recordFinished(of, 'spica-0001', finished);
    await catalog.refreshProfile(of);
  }
  await catalog.setSize('experiment:full', { bytes: 4e9, by: 'ada' });
  const { items } = await get<Page<ProfileView>>('/v1/pools/main/profiles');
  expect(items.map((each) => profileViewSchema.parse(each))).toHaveLength(2);
  const figures = { count: 1, p50Bytes: 3e9, p95Bytes: 3e9, predictedBytes: 2e9, actualBytes: 3e9 };
  expect(items).toContainEqual({ kind: 'template', name: 'default', expectedBytes: 3e9, ...figures });
  expect(items).toContainEqual({ kind: 'experiment', name: 'full', expectedBytes: 4e9, ...figures });
});

it('pages back through the audit log, and finds by action, outcome, instance, request, whom and when', async () => {
  const [first, second] = (await get<Page<{ id: string }>>('/v1/instances')).items;
  await api.call('operator', 'PUT', `/v1/instances/${first?.id}/pin`, { why: 'one' });
  await api.call('operator', 'PUT', `/v1/instances/${second?.id}/pin`, { why: 'two' });
  const find = async (query: string) => (await get<Page<AuditRecord>>(`/v1/audit?${query}`)).items;
  await expect.poll(async () => (await find('action=pin_instance')).length).toBe(2);
  const all = await find('limit=1000');
  const backward: AuditRecord[] = [];
  for (let before = ''; ; ) {
    const page = await get<Page<AuditRecord>>(`/v1/audit?limit=3${before}`);
    backward.unshift(...page.items);
    if (page.next === null) break;
    before = `&before=${page.next}`;
  }
  expect(backward.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq));
  const [pin] = await find(`action=pin_instance&instance=${first?.id}`);
  expect(pin).toMatchObject({ by: 'operator', reason: 'pinned by operator: one' });
  expect(await find('by=operator&outcome=pin')).toHaveLength(2);
  const before = new Date(Date.parse(pin?.timestamp ?? '') - 1).toISOString();
  expect((await find(`until=${before}`)).length).toBeLessThan(all.length);
  expect(await find(`until=${before}&action=pin_instance`)).toEqual([]);
  expect(await find(`since=${before}&action=hold_request`)).toEqual([]);
  const held = all.find(({ action }) => action === 'hold_request');
  expect((await find(`request=${held?.request}`)).length).toBeGreaterThan(1);
  for (const wrong of ['after=1&before=2', 'since=noon', 'by='])
    expect(await api.call('viewer', 'GET', `/v1/audit?${wrong}`)).toMatchObject({ status: 400 });
  await api.call('operator', 'DELETE', `/v1/instances/${second?.id}/pin`);
  await untilUnpinned();
});

it('streams what changes: how it stands, requests, instances and the audit log, each from where one left off', async () => {
  const open = (more: Record<string, string> = {}) =>
    openStream(api.server.url, '/v1/stream', { authorization: `Bearer ${api.tokens.viewer}`, ...more });
  const [first] = (await get<Page<{ id: string }>>('/v1/instances')).items;
  // From the newest entry on: who begins without one is told of what comes once that was looked up.
  const stream = await open({ 'last-event-id': String((await newest())?.seq) });
  const named = (name: string) => (event: ServerEvent) => event.event === name;
  const [now] = await stream.until(named('pool'));
  expect(now).toMatchObject({ id: null, data: { pool: 'main', verdict: { level: expect.any(String) } } });
  await api.call('operator', 'DELETE', `/v1/instances/${first?.id}/pin`);
  const has = (name: string, id: unknown) => (event: ServerEvent) =>
    event.event === name && (event.data as { ids: unknown[] | null }).ids?.includes(id) === true;
  await stream.until(has('instances', first?.id));
  const isUnpin = ({ event, data }: ServerEvent) =>
    event === 'audit' && (data as AuditRecord).action === 'unpin_instance';
  const seen = (await stream.until(isUnpin)).find(isUnpin);
  expect(seen?.id).toMatch(/^\d+$/);
  const { json } = await api.call('ada', 'POST', '/v1/requests', { count: 11, params: { SECRET: 'x' } });
  const { id } = json as { id: string };
  const events = await stream.until(has('requests', id));
  expect(JSON.stringify(events)).not.toContain(api.stack.ctx.pool.paths.root);
  stream.close();
  // What was written meanwhile comes first to who comes back.
  await api.call('operator', 'PUT', `/v1/instances/${first?.id}/pin`, { why: 'meanwhile' });
  const again = await open({ 'last-event-id': seen?.id ?? '' });
  const isPin = ({ event, data }: ServerEvent) =>
    event === 'audit' && (data as AuditRecord).reason === 'pinned by operator: meanwhile';
  await again.until(isPin);
  again.close();
  await api.call('operator', 'DELETE', `/v1/instances/${first?.id}/pin`);
  await untilUnpinned();
});

it('counts per rule what a plan keeps and deletes, and shows what other limits would do, without a trace', async () => {
  const plan = async <T>(body: unknown) => (await api.call('operator', 'POST', '/v1/plans', body)).json as T;
  const whatIf = (limits: Readonly<Record<string, unknown>>) => plan<WhatIfPlan>({ whatIf: limits });
  const made = await plan<PrunePlan>({});
  expect(made.keptBy).toMatchObject([{ rule: 'leased', count: 10, sentence: '10 instances are leased' }]);
  expect([made.deletedBy, made.policy]).toEqual([[], expect.stringContaining('at most 10 instances')]);

  const { catalog, gauge } = api.stack.ctx;
  const now = Date.now();
  const HOUR = 3_600_000;
  const adopted = Array.from({ length: 1_500 }, (_, i) => {
    const id = `spica-${String(i).padStart(12, '0')}`;
    const experiment = `e-${i % 3}`;
    return catalog.adopt({
      ...aRecord(id, { experiment, spawnedAt: now - (i < 100 ? 100 : 1) * HOUR - i, score: i }),
      sample: aSample(now, 1e6),
    });
  });
  await Promise.all(adopted);
  await catalog.mark('spica-000000000700', { unsaved: '1 commit not pushed' });
  const trace = async () => ({
    count: await catalog.count(),
    audit: (await get<Page<AuditRecord>>('/v1/audit?limit=1')).items,
    sealed: (await api.redis.keys('*:plan:*')).sort(),
  });
  const before = await trace();

  // 1,510 there: 1,000 are most that one run deletes; three are the best, ten leased, one holds what would be lost.
  const few = await whatIf({ maxInstances: 20 });
  expect(few).toMatchObject({ digest: null, sufficient: true, kept: 510 });
  const sums = (tallies: WhatIfPlan['keptBy']) =>
    Object.fromEntries(tallies.map(({ rule, count }) => [rule, count]));
  expect(sums(few.deletedBy)).toEqual({ age: 100, count: 900 });
  expect(sums(few.keptBy)).toEqual({
    'run-limit': 490,
    leased: 10,
    'keep-best': 3,
    'unsaved-work': 1,
    'within-limits': 6,
  });
  expect(few.deletedBy[0]).toMatchObject({ bytes: 900e6, sentence: '900 instances are over max_instances' });
  expect(few.items.filter(({ action }) => action === 'delete')).toHaveLength(1_000);
  expect(few.items.length).toBeLessThanOrEqual(1_200);
  expect(few.reclaimedBytes).toBe(1_000e6);
  const { availableBytes } = await gauge.read({ maxAgeMs: 0 });
  expect(Math.abs(few.availableBytes - availableBytes - 1_000e6)).toBeLessThan(1e9);

  expect(sums((await whatIf({ maxInstances: 2_000, maxAge: '200h' })).deletedBy)).toEqual({});
  expect(sums((await whatIf({ maxInstances: 2_000, maxAge: '50h' })).deletedBy)).toEqual({ age: 100 });
  const best = await whatIf({ maxInstances: 2_000, maxAge: '30m', keepBest: 200 });
  expect(sums(best.keptBy)['keep-best']).toBe(600);
  const floorGb = (availableBytes + 500e6) / 1e9;
  const higher = await whatIf({ maxInstances: 2_000, maxAge: '200h', minFreeGb: floorGb });
  expect(sums(higher.deletedBy)['space']).toBeGreaterThan(0);
  expect(higher.deletedBy[0]?.sentence).toMatch(/^\d+ instances make room$/);
  expect(higher.items[0]?.reason).toMatch(/missing for the floor$/);
  expect(higher.availableBytes).toBeGreaterThanOrEqual(higher.floorBytes);
  const much = await whatIf({ maxInstances: 2_000, maxAge: '200h', minFreeGb: 1e6 });
  expect(much).toMatchObject({ sufficient: false, pruned: [], floorBytes: 1e15 });
  expect(much.sentence).toContain('that is not enough for the floor');

  expect(await trace()).toEqual(before);
  const refused = await api.call('operator', 'POST', '/v1/plans', { whatIf: {}, maxInstances: 1 });
  expect(refused).toMatchObject({ status: 400, json: { code: 'PAYLOAD_INVALID' } });
  expect(await api.call('ada', 'POST', '/v1/plans', { whatIf: {} })).toMatchObject({ status: 403 });
});

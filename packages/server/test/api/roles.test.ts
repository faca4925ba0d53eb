import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countResults, type TournamentRecord } from '@spica/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiRoutes } from '../../src/index.ts';
import { ask } from './http.ts';
import { type ApiStack, startApi } from './stack.ts';

type Who = keyof ApiStack['tokens'];

let api: ApiStack;
/** Of each runner an instance, and the request that it came up by. */
let owned: Readonly<Record<'ada' | 'bob', { instance: string; request: string }>>;
beforeAll(async () => {
  api = await startApi({ settings: { 'pools.main.collect_to': collectTo } });
  owned = { ada: await ofOne('ada'), bob: await ofOne('bob') };
});
afterAll(async () => {
  await api.close();
  rmSync(collectTo, { recursive: true });
});

async function ofOne(who: 'ada' | 'bob') {
  const instance = await api.spawn(who, {
    notes: 'secret-note',
    params: { KEY: 'secret-param' },
    paramsEach: [{ OWN: 'secret-of-one' }],
  });
  const { json } = await api.call('operator', 'GET', `/v1/instances/${instance}`);
  return { instance, request: (json as { request: string }).request };
}

interface Row {
  readonly call: string;
  /** `of ada`: about ada's instance, as the call takes it. */
  readonly body?: unknown;
  /** Who may with what is ada's; nobody else may. */
  readonly may: readonly Who[];
}

/** Where the results of instances go. */
const collectTo = mkdtempSync(join(tmpdir(), 'spica-collected-'));

const ALL: readonly Who[] = ['viewer', 'ada', 'bob', 'operator'];
const OWN: readonly Who[] = ['ada', 'operator'];

/** The record of a tournament of another id than the path's: whoever may store one is told so. */
function aTournament(): TournamentRecord {
  const at = new Date(0).toISOString();
  return {
    schema: 'phase.tournament/v1',
    id: 'req-0',
    pool: 'main',
    suite_id: 'tests',
    qtime: { epochs: 1, slices_per_epoch: 1, replicas_per_slice: 1 },
    replica_plan_hash: '0'.repeat(64),
    instances: [],
    total_replicas: 0,
    isolation: { cpu_affinity: false, network_egress: true, lineage_immutable: true },
    results: countResults('tests', []) as TournamentRecord['results'],
    outcome: 'finished',
    reason: null,
    champion: null,
    scores: {},
    began_at: at,
    completed_at: at,
  };
}

const TABLE: readonly Row[] = [
  { call: 'POST /v1/requests', body: { count: 0 }, may: ['ada', 'bob', 'operator'] },
  { call: 'GET /v1/requests', may: ALL },
  { call: 'GET /v1/requests/{id}', may: ALL },
  { call: 'GET /v1/requests/{id}/result', may: OWN },
  { call: 'GET /v1/requests/{id}/events', may: ALL },
  { call: 'DELETE /v1/requests/{id}', may: OWN },
  { call: 'GET /v1/instances', may: ALL },
  { call: 'GET /v1/oversize', may: ALL },
  { call: 'GET /v1/instances/{id}', may: ALL },
  { call: 'PUT /v1/instances/{id}/lease', body: { lease: '1s' }, may: OWN },
  { call: 'DELETE /v1/instances/{id}/lease', may: OWN },
  { call: 'PUT /v1/instances/{id}/pin', body: { why: 'tests' }, may: OWN },
  { call: 'DELETE /v1/instances/{id}/pin', may: OWN },
  { call: 'PUT /v1/instances/{id}/score', body: { score: 1 }, may: OWN },
  { call: 'POST /v1/instances/{id}/grow', body: { capBytes: 1 }, may: OWN },
  { call: 'POST /v1/instances/{id}/restore', may: ['operator'] },
  { call: 'POST /v1/instances/{id}/collect', may: OWN },
  { call: 'POST /v1/instances/{id}/verify', may: OWN },
  { call: 'POST /v1/instances/{id}/sample', may: OWN },
  { call: 'POST /v1/samples', may: ['operator'] },
  { call: 'POST /v1/collections', body: 'of ada', may: OWN },
  { call: 'POST /v1/instances/actions', body: 'of ada', may: OWN },
  { call: 'POST /v1/preflight', body: { count: 1 }, may: ALL },
  { call: 'POST /v1/plans', may: ['operator'] },
  { call: 'POST /v1/plans/{digest}/execution', may: ['operator'] },
  { call: 'GET /v1/tournaments', may: ALL },
  { call: 'GET /v1/tournaments/{id}', may: ALL },
  { call: 'PUT /v1/tournaments/{id}', body: aTournament(), may: OWN },
  { call: 'GET /v1/pools', may: ALL },
  { call: 'GET /v1/pools/{name}', may: ALL },
  { call: 'GET /v1/pools/{name}/history', may: ALL },
  { call: 'GET /v1/pools/{name}/profiles', may: ALL },
  { call: 'GET /v1/pools/{name}/space', may: ALL },
  { call: 'GET /v1/stream', may: ALL },
  { call: 'GET /v1/audit', may: ALL },
  { call: 'GET /v1/stats', may: ALL },
];

/** What names an instance in its body. */
function bodyFor(path: string, body: unknown): unknown {
  if (body !== 'of ada') return body ?? {};
  const ids = [owned.ada.instance];
  return path.endsWith('/actions') ? { action: 'verify', ids, reason: 'tests' } : { ids };
}

function pathFor(path: string): string {
  const id = /^\/v1\/(requests|tournaments)/.test(path) ? owned.ada.request : owned.ada.instance;
  return path.replace('{id}', id).replace('{name}', 'main').replace('{digest}', 'none');
}

it('has a row for every call that there is', () => {
  const routes = apiRoutes({ transports: new Map(), streams: { open: 0 }, version: '', startedAt: '' });
  expect(TABLE.map(({ call }) => call).sort()).toEqual(
    routes.map(({ method, path }) => `${method} ${path}`).sort(),
  );
});

describe.each(TABLE)('$call', ({ call, body, may }) => {
  const [method = '', path = ''] = call.split(' ');
  const send = (who: Who) =>
    api.call(who, method, pathFor(path), method === 'GET' ? undefined : bodyFor(path, body));

  it.each(ALL.filter((who) => may.includes(who)))('is for %s', async (who) => {
    const { status, json } = await send(who);
    expect(status, JSON.stringify(json)).toBeLessThan(500);
    expect([401, 403]).not.toContain(status);
  });

  it.each(ALL.filter((who) => !may.includes(who)))('is refused to %s, and does nothing', async (who) => {
    const { status, json, text } = await send(who);
    expect([status, (json as { code: string }).code]).toEqual([403, 'FORBIDDEN']);
    expect(text).not.toContain(api.stack.ctx.pool.paths.root);
  });

  it('is refused to whoever shows no token, or one that is not known', async () => {
    for (const authorization of ['', `Bearer spica_ada_${'0'.repeat(64)}`]) {
      const more = { headers: { authorization } };
      const { status } = await api.call('viewer', method, pathFor(path), undefined, more);
      expect(status).toBe(401);
    }
  });
});

describe('what a role may not see', () => {
  const secrets = () => [
    'secret-note',
    'secret-param',
    'secret-of-one',
    api.stack.ctx.pool.paths.root,
    api.stack.config.stateDir,
  ];

  it.each(['viewer', 'bob'] as const)('is not in any answer to %s about what is not its own', async (who) => {
    for (const { call, may } of TABLE) {
      const [method = '', path = ''] = call.split(' ');
      if (method !== 'GET' || !may.includes(who)) continue;
      const { text } = await api.call(who, 'GET', pathFor(path));
      if (path === '/v1/requests' || path === '/v1/instances') continue; // have bob's own, too
      for (const secret of secrets()) expect(text, `${call}: ${text}`).not.toContain(secret);
    }
  });

  it('is, for whoever submitted it, and for operators', async () => {
    for (const who of ['ada', 'operator'] as const) {
      const { text } = await api.call(who, 'GET', pathFor('/v1/requests/{id}'));
      for (const secret of ['secret-note', 'secret-param', api.stack.ctx.pool.paths.root])
        expect(text).toContain(secret);
    }
  });

  it('is not in what a set-up printed, which its submitter is told', async () => {
    const body = { count: 1, template: 'leaky', params: { KEY: 'secret-param' } };
    const made = await api.call('ada', 'POST', '/v1/requests', body, { headers: { prefer: 'wait=30' } });
    const { id } = made.json as { id: string };
    expect(made.text).toContain('it is secret-param');
    expect((await api.call('ada', 'GET', `/v1/requests/${id}/result`)).text).toContain('it is secret-param');
    for (const who of ['viewer', 'bob'] as const) {
      for (const path of [`/v1/requests/${id}`, `/v1/requests/${id}/events`, '/v1/requests', '/v1/audit']) {
        const { text } = await api.call(who, 'GET', path);
        expect(text, `${who} ${path}`).toContain('its set-up failed');
        expect(text, `${who} ${path}`).not.toContain('it is secret-param');
      }
    }
  });

  it('lists to each runner its own with its secrets, and those of others without', async () => {
    const { json } = await api.call('bob', 'GET', '/v1/requests');
    const items = (json as { items: { id: string; request: { by: string; params?: unknown } }[] }).items;
    const shown = Object.fromEntries(items.map(({ request }) => [request.by, 'params' in request]));
    expect(shown).toMatchObject({ ada: false, bob: true });
  });
});

it('tells where results were collected to whoever submitted it and operators alone', async () => {
  const wait = { headers: { prefer: 'wait=30' } };
  const body = { count: 1, lease: '1h', collect: ['manifest.json'] };
  const made = await api.call('ada', 'POST', '/v1/requests', body, wait);
  const { instances, leaseToken } = made.json as { instances: { id: string }[]; leaseToken: string };
  const path = `/v1/instances/${instances[0]?.id}`;
  const release = { headers: { 'spica-lease-token': leaseToken } };
  await api.call('ada', 'DELETE', `${path}/lease`, undefined, release);
  const seen = async (who: Who) => (await api.call(who, 'GET', path)).text;
  await expect.poll(() => seen('ada')).toContain(collectTo);
  expect(await seen('operator')).toContain(collectTo);
  const found = `/v1/audit?outcome=${encodeURIComponent(`collected to ${collectTo.slice(0, 3)}`)}`;
  await expect
    .poll(async () => (await api.call('operator', 'GET', found)).json)
    .toMatchObject({ items: [{ action: 'collect_instance' }] });
  for (const who of ['viewer', 'bob'] as const) {
    expect(await seen(who)).not.toContain(collectTo);
    expect((await api.call(who, 'GET', found)).json).toMatchObject({ code: 'FORBIDDEN' });
  }
});

it("lets a runner clone its own instances, and nobody else's", async () => {
  const clone = (who: 'ada' | 'bob' | 'operator', from: string) =>
    api.call(who, 'POST', '/v1/requests', { count: 1, from });
  const { instance } = owned.ada;
  expect(await clone('bob', instance)).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
  expect((await clone('ada', instance)).status).toBe(201);
  expect((await clone('operator', instance)).status).toBe(201);
});

it("keeps a token's idempotency key apart from those of others, whatever they are called", async () => {
  const keyed = (key: string) => ({ headers: { 'idempotency-key': key } });
  const body = { count: 1, notes: 'of-the-host' };
  const options = { method: 'POST', body, ...keyed('ada/3') };
  const host = await ask(api.server.socket ?? '', '/v1/requests', options);
  const adas = await api.call('ada', 'POST', '/v1/requests', body, keyed('3'));
  expect([host.status, adas.status]).toEqual([201, 201]);
});

it('lets only operators force a lease', async () => {
  const path = `/v1/instances/${owned.ada.instance}/lease`;
  const body = { lease: '1s', force: true };
  expect((await api.call('ada', 'PUT', path, body)).status).toBe(403);
  expect((await api.call('ada', 'DELETE', `${path}?force=true`)).status).toBe(403);
  expect((await api.call('operator', 'PUT', path, body)).status).toBe(200);
});

it('has the audit log say who did what', async () => {
  const { ada } = owned;
  await api.call('ada', 'PUT', `/v1/instances/${ada.instance}/pin`, { why: 'by-whom' });
  const forced = { lease: '1s', force: true, owner: 'eve' };
  await api.call('operator', 'PUT', `/v1/instances/${ada.instance}/lease`, forced);
  await expect
    .poll(async () => {
      const { json } = await api.call('viewer', 'GET', '/v1/audit?limit=50');
      return (json as { items: { action: string; reason: string | null }[] }).items.map(
        ({ reason }) => reason,
      );
    })
    .toEqual(expect.arrayContaining(['pinned by ada: by-whom', 'taken by force by operator for eve']));
});

import { countResults, type TournamentRecord } from '@spica/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiStack, startApi } from './stack.ts';

let api: ApiStack;
let record: TournamentRecord;
beforeAll(async () => {
  api = await startApi();
  const instance = await api.spawn('ada');
  const { json } = await api.call('ada', 'GET', `/v1/instances/${instance}`);
  const at = new Date(0).toISOString();
  const result = {
    replica_id: `${instance}.e0.s0.r0`,
    instance_id: instance,
    status: 'pass',
    metrics: {},
    error: null,
  };
  record = {
    schema: 'phase.tournament/v1',
    id: (json as { request: string }).request,
    pool: 'main',
    suite_id: 'qa.gold',
    qtime: { epochs: 1, slices_per_epoch: 1, replicas_per_slice: 1 },
    replica_plan_hash: '0'.repeat(64),
    instances: [instance],
    total_replicas: 1,
    isolation: { cpu_affinity: false, network_egress: true, lineage_immutable: true },
    results: countResults('qa.gold', [result]),
    outcome: 'finished',
    reason: null,
    champion: instance,
    scores: { [instance]: 0.5 },
    began_at: at,
    completed_at: at,
  };
});
afterAll(() => api.close());

it('keeps the record of a tournament for whoever spawned its candidates, tells it to all, and lists it', async () => {
  const path = `/v1/tournaments/${record.id}`;
  const { results: _, ...head } = record;
  const shown = { ...head, results: { suite_id: 'qa.gold', total_replicas: 1, passed: 1, failed: 0 } };
  expect(await api.call('ada', 'PUT', path, record)).toMatchObject({ status: 200, json: shown });
  expect((await api.call('viewer', 'GET', path)).json).toEqual(record);
  expect((await api.call('viewer', 'GET', '/v1/tournaments')).json).toEqual({ items: [shown], next: null });
});

it('refuses the record of another request, of another id, and one that is not as it must be', async () => {
  const path = `/v1/tournaments/${record.id}`;
  expect((await api.call('bob', 'PUT', path, record)).status).toBe(403);
  const other = await api.call('ada', 'PUT', path, { ...record, id: 'req-0' });
  expect(other).toMatchObject({ status: 400, json: { code: 'PAYLOAD_INVALID', field: 'id' } });
  const unknown = await api.call('ada', 'PUT', '/v1/tournaments/req-0', { ...record, id: 'req-0' });
  expect(unknown).toMatchObject({ status: 404, json: { code: 'REQUEST_UNKNOWN' } });
  expect((await api.call('ada', 'PUT', path, { ...record, scores: { a: 'high' } })).status).toBe(400);
  expect((await api.call('ada', 'GET', '/v1/tournaments/req-0')).json).toMatchObject({
    code: 'TOURNAMENT_UNKNOWN',
  });
});

it('takes a record that is larger than the bodies of other calls', async () => {
  const large = {
    ...record,
    results: countResults('qa.gold', [
      { ...record.results.results[0], metrics: { log: 'x'.repeat(2_000_000) } },
    ] as never),
  };
  expect((await api.call('ada', 'PUT', `/v1/tournaments/${record.id}`, large)).status).toBe(200);
  const score = await api.call('ada', 'PUT', `/v1/instances/${record.instances[0]}/score`, {
    score: 1,
    pad: 'x'.repeat(2_000_000),
  });
  expect(score.status).toBe(413);
});

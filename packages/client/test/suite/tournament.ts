import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { leaseInForce } from '@spica/core';
import { expect, it } from 'vitest';
import { LineageChangedError } from '../../src/index.ts';
import type { Serve, Served } from './serve.ts';

const QTIME = { epochs: 1, slicesPerEpoch: 2, replicasPerSlice: 1 };
const CANDIDATES = [{ LR: 0.1 }, { LR: 0.2, NAME: 'zwei' }, { LR: 0.3 }];

function begin({ spica }: Served, fields: object = {}) {
  const asked = { suiteId: 'qa.rag.gold', candidates: CANDIDATES, qtime: QTIME, params: { NAME: 'eins' } };
  return spica.tournament({ ...asked, ...fields });
}

async function leases({ stack }: Served): Promise<number> {
  const all = await Array.fromAsync(stack.ctx.catalog.list());
  return all.filter(({ record }) => leaseInForce(record, Date.now())).length;
}

/** Those that are over, the newest first. */
function tournamentsOf({ spica }: Served) {
  return Array.fromAsync(spica.tournaments.list());
}

async function manifestOf(path: string) {
  return JSON.parse(await readFile(join(path, 'manifest.json'), 'utf8'));
}

export function testTournaments(serve: Serve): void {
  it('spawns all candidates, each with its parameters, and ends with scores, a champion and a record', async () => {
    const served = await serve();
    const { spica, stack } = served;
    const tournament = await begin(served);
    const ids = tournament.instances.map(({ id }) => id);
    const params = await Promise.all(
      tournament.instances.map(async ({ path }) => (await manifestOf(path)).params),
    );
    expect(params).toEqual([
      { LR: 0.1, NAME: 'eins' },
      { LR: 0.2, NAME: 'zwei' },
      { LR: 0.3, NAME: 'eins' },
    ]);
    expect(tournament.plan.replicas.map(({ replica_id }) => replica_id)).toEqual([
      ...ids.map((id) => `${id}.e0.s0.r0`),
      ...ids.map((id) => `${id}.e0.s1.r0`),
    ]);
    expect(await leases(served)).toBe(3);

    const results = tournament.plan.replicas.map(({ replica_id, instance_id, slice }) => {
      return { replica_id, instance_id, status: slice === 0 ? 'pass' : 'timeout', metrics: { f1: 0.5 } };
    });
    const [first = '', second = '', third = ''] = ids;
    const scores = { [first]: 0.1, [second]: 0.9 };
    const record = await tournament.finish({ scores, results, aggregated: { [second]: { f1: 0.5 } } });
    expect(record).toMatchObject({
      schema: 'phase.tournament/v1',
      id: tournament.id,
      suite_id: 'qa.rag.gold',
      qtime: { epochs: 1, slices_per_epoch: 2, replicas_per_slice: 1 },
      instances: ids,
      total_replicas: 6,
      isolation: { cpu_affinity: false, network_egress: true, lineage_immutable: true },
      results: { suite_id: 'qa.rag.gold', total_replicas: 6, passed: 3, failed: 3 },
      outcome: 'finished',
      champion: second,
      scores,
    });
    const program =
      'import hashlib, json, sys; print(hashlib.sha256(json.dumps(json.load(sys.stdin), sort_keys=True).encode()).hexdigest())';
    const hash = execFileSync('python3', ['-c', program], {
      input: JSON.stringify(tournament.plan),
      encoding: 'utf8',
    });
    expect(record.replica_plan_hash).toBe(hash.trim());

    expect(await spica.tournaments.get(tournament.id)).toEqual(record);
    const [head] = await Array.fromAsync(spica.tournaments.list());
    expect(head).toEqual({
      ...record,
      results: { suite_id: 'qa.rag.gold', total_replicas: 6, passed: 3, failed: 3 },
    });
    await expect(spica.tournaments.get('req-none')).rejects.toMatchObject({ code: 'TOURNAMENT_UNKNOWN' });

    const known = await Promise.all(ids.map((id) => stack.ctx.catalog.get(id)));
    expect(known.map((each) => each?.record)).toMatchObject([
      { score: 0.1, pin: null, lease: null, discarded: true, experiment: 'qa.rag.gold', replicas: 2 },
      {
        score: 0.9,
        pin: { why: `champion of tournament qa.rag.gold (${tournament.id})` },
        lease: null,
        discarded: false,
      },
      { score: null, pin: null, lease: null, discarded: true },
    ]);
    expect(third).not.toBe('');
    expect(await tournament.finish({ scores: {} })).toEqual(record); // it is over
  });

  it('leaves the champion to keep_best where it is not to be pinned', async () => {
    const served = await serve({
      'pools.main.retention.keep_best': 1,
      'pools.main.retention.max_instances': 3,
    });
    const tournament = await begin(served);
    const [champion = ''] = tournament.instances.map(({ id }) => id);
    await tournament.finish({ scores: { [champion]: 1 }, pin: false });
    const next = await begin(served, { candidates: [{}, {}] });
    expect((await served.spica.instances.get(champion)).pin).toBeNull();
    await next.abandon();
  });

  it.each([
    ['lineage', async (path: string) => writeFile(join(path, 'lineage.json'), '{}\n')],
    [
      'lineage, and the manifest that vouches for it',
      async (path: string) => {
        const lineage = JSON.parse(await readFile(join(path, 'lineage.json'), 'utf8'));
        const text = `${JSON.stringify({ ...lineage, parent_id: 'spica-000000000000' }, null, 2)}\n`;
        await writeFile(join(path, 'lineage.json'), text);
        const sha = createHash('sha256').update(text).digest('hex');
        const manifest = { ...(await manifestOf(path)), lineage_sha: sha };
        await writeFile(join(path, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
      },
    ],
    ['whole instance', async (path: string) => rm(join(path, 'lineage.json'))],
  ])('stores nothing where a candidate changed its %s, and names it', async (_, change) => {
    const served = await serve();
    const before = await tournamentsOf(served);
    const tournament = await begin(served);
    const [, second] = tournament.instances;
    if (!second) throw new Error('expected three candidates');
    await change(second.path);
    const finished = tournament.finish({ scores: { [second.id]: 1 } });
    await expect(finished).rejects.toThrow(LineageChangedError);
    await expect(finished).rejects.toMatchObject({ code: 'LINEAGE_CHANGED', instance: second.id });
    expect((await served.stack.ctx.catalog.get(second.id))?.record.score).toBeNull();
    expect(await tournamentsOf(served)).toEqual(before);
    const record = await tournament.abandon('its lineage has changed');
    expect(record).toMatchObject({ outcome: 'abandoned', reason: 'its lineage has changed', champion: null });
    expect(record.isolation.lineage_immutable).toBe(false);
    expect(await leases(served)).toBe(0);
  });

  it('is abandoned at the end of a block that did not finish it', async () => {
    const served = await serve();
    const before = await tournamentsOf(served);
    const broken = async () => {
      await using tournament = await begin(served);
      expect(await leases(served)).toBe(3);
      throw new Error(`runner of ${tournament.suiteId} is broken`);
    };
    await expect(broken()).rejects.toThrow('runner of qa.rag.gold is broken');
    expect(await leases(served)).toBe(0);
    expect(await tournamentsOf(served)).toEqual([
      expect.objectContaining({ outcome: 'abandoned' }),
      ...before,
    ]);
  });

  it('counts its replicas in the pre-flight, and spawns all or none', async () => {
    const served = await serve({ 'pools.main.retention.max_instances': 2 });
    await expect(begin(served)).rejects.toMatchObject({ code: 'NEVER_FITS' });
    expect(await served.stack.ctx.catalog.count()).toBe(0);
    const request = { ...QTIME, replicasPerSlice: 50_001 };
    await expect(begin(served, { qtime: request })).rejects.toMatchObject({ code: 'TOURNAMENT_INVALID' });
  });

  it.each([
    [{ suiteId: '' }, 'tournament: suiteId: '],
    [{ candidates: [] }, 'tournament: candidates: '],
    [{ candidates: [{ 'A-B': 1 }] }, 'params: expected a name of letters'],
    [{ qtime: { epochs: 0 } }, 'tournament: qtime.epochs: '],
    [{ lease: 'soon' }, 'lease: expected a duration'],
  ])('refuses %j by the field', async (fields, message) => {
    const served = await serve();
    await expect(begin(served, fields)).rejects.toThrow(message);
  });

  it('refuses scores, a champion and results that are not its own', async () => {
    const served = await serve();
    await using tournament = await begin(served);
    const [{ id } = { id: '' }] = tournament.instances;
    const [replica] = tournament.plan.replicas;
    const pass = { replica_id: replica?.replica_id ?? '', instance_id: id, status: 'pass' };
    const cases: [Parameters<typeof tournament.finish>[0], string][] = [
      [
        { scores: { 'spica-000000000000': 1 } },
        'finish: scores: expected instances of the tournament, got "spica-000000000000"',
      ],
      [{ scores: {}, champion: 'spica-000000000000' }, 'finish: champion: '],
      [{ scores: {}, results: [pass, pass] }, 'finish: results: expected replicas of the plan, each once'],
      [{ scores: { [id]: Number.NaN } }, 'finish: scores.'],
    ];
    for (const [options, message] of cases) {
      await expect((async () => tournament.finish(options))()).rejects.toThrow(message);
    }
  });

  it('outlives restarts of Redis: no score is lost, and it begins once', async () => {
    const served = await serve({});
    const { server, spica, stack } = served;
    await server.kill();
    const beginning = begin(served);
    await server.restart();
    const tournament = await beginning;
    // By a connection that waits for Redis however long that takes to be back.
    const { gate } = stack.ctx.queues;
    expect(await gate.getJobCountByTypes('completed', 'waiting', 'active', 'failed')).toBe(1);
    await server.kill();
    const scores = Object.fromEntries(tournament.instances.map(({ id }, at) => [id, at]));
    const finishing = tournament.finish({ scores });
    await server.restart();
    const record = await finishing;
    expect(record.champion).toBe(tournament.instances[2]?.id);
    for (const { id } of tournament.instances) {
      expect((await stack.ctx.catalog.get(id))?.record).toMatchObject({ score: scores[id], lease: null });
    }
    expect(await spica.tournaments.get(tournament.id)).toEqual(record);
  });
}

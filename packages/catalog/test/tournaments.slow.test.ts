import type { Catalog } from '@spica/catalog';
import { countResults, type TournamentRecord } from '@spica/core';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { openCatalog } from './open.ts';

const NOW = 1_700_000_000_000;

function aTournament(n: number, text = ''): TournamentRecord {
  const result = {
    replica_id: `spica-${n}.e0.s0.r0`,
    instance_id: `spica-${n}`,
    status: 'pass',
    metrics: { text },
    error: null,
  };
  const at = new Date(NOW + n * 1_000).toISOString();
  return {
    schema: 'phase.tournament/v1',
    id: `req-${n}`,
    pool: 'main',
    suite_id: 'qa.rag.gold',
    qtime: { epochs: 1, slices_per_epoch: 1, replicas_per_slice: 1 },
    replica_plan_hash: 'a'.repeat(64),
    instances: [`spica-${n}`],
    total_replicas: 1,
    isolation: { cpu_affinity: true, network_egress: false, lineage_immutable: true },
    results: countResults('qa.rag.gold', [result], { [`spica-${n}`]: { mean: 0.5 } }),
    outcome: 'finished',
    reason: null,
    champion: `spica-${n}`,
    scores: { [`spica-${n}`]: 0.5 },
    began_at: at,
    completed_at: at,
  };
}

describeOnRedis('tournaments', (redis) => {
  let catalog: Catalog;
  beforeEach(async () => {
    await redis.flush();
    ({ catalog } = openCatalog(redis));
  });

  const listed = async (limit: number, before: string | null = null) =>
    (await catalog.listTournaments({ limit, before })).map(({ id }) => id);

  it('are kept whole, and listed newest first without what came of each replica', async () => {
    for (const n of [2, 1, 3]) await catalog.saveTournament(aTournament(n));
    expect(await catalog.tournament('req-2')).toEqual(aTournament(2));
    expect(await catalog.tournament('req-9')).toBeNull();
    expect(await listed(2)).toEqual(['req-3', 'req-2']);
    expect(await listed(2, 'req-2')).toEqual(['req-1']);
    expect(await listed(2, 'req-9')).toEqual([]);
    const [head] = await catalog.listTournaments({ limit: 1, before: null });
    expect(head?.results).toEqual({ suite_id: 'qa.rag.gold', total_replicas: 1, passed: 1, failed: 0 });
  });

  it('are one where the same is saved again', async () => {
    await catalog.saveTournament(aTournament(1));
    await catalog.saveTournament({ ...aTournament(1), champion: null });
    expect(await listed(10)).toEqual(['req-1']);
    expect(await catalog.tournament('req-1')).toMatchObject({ champion: null });
  });

  it('make room for newer ones by what they take', async () => {
    const text = 'x'.repeat(16_000_000);
    for (let n = 0; n < 6; n += 1) await catalog.saveTournament(aTournament(n, text));
    expect(await listed(10)).toEqual(['req-5', 'req-4', 'req-3']);
    expect(await catalog.tournament('req-2')).toBeNull();
    await catalog.saveTournament(aTournament(4)); // small by now
    await catalog.saveTournament(aTournament(6, text));
    expect(await listed(10)).toEqual(['req-6', 'req-5', 'req-4', 'req-3']);
  });
});

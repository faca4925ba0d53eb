import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createCollectDue } from '../../src/collector/due.ts';
import { createCollectRuns } from '../../src/collector/runs.ts';

/** The collections of a pool of which each stands still where it looks its instance up, until it is let go on. */
function stalledRuns() {
  const stalls = new Map<string, PromiseWithResolvers<[]>>();
  const begun: string[] = [];
  const getMany = ([id = '']: readonly string[]) => {
    begun.push(id);
    const stall = Promise.withResolvers<[]>(); // in the end there is no such instance
    stalls.set(id, stall);
    return stall.promise;
  };
  const ctx = {
    pool: { name: 'main' },
    policy: { collectTimeoutMs: 60_000 },
    clockGuard: { now: () => 1_000 },
    logger: pino({ level: 'silent' }),
    notes: { getMany },
  } as unknown as Parameters<typeof createCollectRuns>[0];
  const goOn = (id: string) => stalls.get(id)?.resolve([]);
  return { runs: createCollectRuns(ctx), begun, goOn };
}

it('tells whoever waits for a collection at the end that it is cancelled, whether it has begun or not', async () => {
  const { runs, goOn } = stalledRuns();
  const waiting = ['a', 'b', 'c'].map((id) => runs.collect(id));
  const closing = runs.close();
  for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'COLLECT_CANCELLED' });
  expect(runs.free).toBe(0);
  goOn('a');
  goOn('b');
  await closing;
});

it('begins the next that is due as soon as one has ended', async () => {
  const { runs, begun, goOn } = stalledRuns();
  const get = async (id: string) =>
    begun.includes(id) ? null : { state: 'ready', record: due(id), collectFailure: null };
  const collectDue = createCollectDue({
    catalog: { get },
    clockGuard: { now: () => 1_000 },
    collectRuns: runs,
  } as unknown as Parameters<typeof createCollectDue>[0]);
  for (const id of ['a', 'b', 'c']) collectDue.note(due(id));
  await collectDue.begin();
  expect(begun).toEqual(['a', 'b']);
  goOn('a');
  await expect.poll(() => begun).toEqual(['a', 'b', 'a']); // once more, to note how it went
  goOn('a');
  await expect.poll(() => begun).toContain('c'); // though the other goes on
});

function due(id: string) {
  return { id, collect: ['*'], collected: null, lease: null, releasedAt: 500 } as unknown as Parameters<
    ReturnType<typeof createCollectDue>['note']
  >[0];
}

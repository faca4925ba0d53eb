import { beforeAll, expect, it, vi } from 'vitest';
import { installSteps } from './crash.ts';
import { Model, SETTINGS } from './model.ts';
import type { Deed, Operation } from './operation.ts';
import { expectAccountedFor, runOperation } from './run.ts';
import { Time } from './time.ts';
import { useWorlds } from './worlds.ts';

vi.mock('execa', async (load) => {
  const { standInFor } = await import('./programs.ts');
  const execa = await load<typeof import('execa')>();
  return { ...execa, execa: standInFor(execa.execa as never) };
});
vi.mock('../../packages/pool/src/command/marked.ts', async (load) => {
  const { withoutSetUps } = await import('./programs.ts');
  return withoutSetUps(await load());
});

const inWorld = useWorlds();
beforeAll(installSteps);

/** Fewer than any of these takes. */
const FEWEST_STEPS = 4;
const spawn = (count: number): Deed => ({ do: 'spawn', count, leaseMs: null });
const FINISH: Deed = { do: 'finish', pick: 0 };
/** More than may be there: a prune takes two. */
const TOO_MANY: readonly Deed[] = [spawn(3), FINISH, spawn(2), FINISH];

// Random sequences come upon each of these moments, too, but some of them once in thousands.
it.each<[string, readonly Deed[], Deed]>([
  ['a spawn', [], spawn(2)],
  ['the end of a request', [spawn(2)], FINISH],
  ['an undo', [spawn(2)], { do: 'undo', pick: 0 }],
  ['a prune', TOO_MANY, { do: 'prune' }],
  ['a restore', [...TOO_MANY, { do: 'prune' }], { do: 'restore', pick: 0 }],
])(
  'the next worker mends %s, before whichever of its steps the one before it was killed',
  async (_, before, deed) => {
    for (let crashAt = 0; ; crashAt += 1) {
      const wasCutOff = await inWorld({ settings: SETTINGS, redisOnHost: true }, async (world) => {
        const model = new Model(new Time(world.clocks));
        const run = (each: Deed, at: number | null): Promise<boolean> =>
          runOperation(world, model, { ...each, crashAt: at, flushed: false } satisfies Operation);
        for (const each of before) await run(each, null);
        const isCutOff = await run(deed, crashAt);
        await expectAccountedFor(world, model);
        return isCutOff;
      });
      if (wasCutOff) continue;
      expect(crashAt).toBeGreaterThanOrEqual(FEWEST_STEPS);
      return;
    }
  },
  300_000,
);

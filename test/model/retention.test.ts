import * as fc from 'fast-check';
import { beforeAll, it, vi } from 'vitest';
import { installSteps } from './crash.ts';
import { Model, SETTINGS } from './model.ts';
import { anyOperation } from './operation.ts';
import { expectAccountedFor, runOperation } from './run.ts';
import { Time } from './time.ts';
import { useWorlds } from './worlds.ts';

vi.mock('execa', async (load) => {
  const { standInFor } = await import('./programs.ts');
  const execa = await load<typeof import('execa')>();
  return { ...execa, execa: standInFor(execa.execa as never) };
});

const SEQUENCES = Number(process.env['SPICA_MODEL_SEQUENCES'] ?? 2_000);

const inWorld = useWorlds();
beforeAll(installSteps);

it('keeps what is in use and accounts for what goes, in any sequence of events and crashes', async () => {
  const sequence = fc.array(anyOperation, { minLength: 1, maxLength: 14, size: 'max' });
  await fc.assert(
    fc.asyncProperty(sequence, fc.boolean(), (operations, redisOnHost) =>
      inWorld({ settings: SETTINGS, redisOnHost }, async (world) => {
        const model = new Model(new Time(world.clocks));
        for (const operation of operations) await runOperation(world, model, operation);
        await expectAccountedFor(world, model);
      }),
    ),
    { numRuns: SEQUENCES },
  );
}, 600_000);

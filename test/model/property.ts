import * as fc from 'fast-check';
import { Model, SETTINGS } from './model.ts';
import { anyOperation } from './operation.ts';
import { takeDump } from './rollback.ts';
import { expectAccountedFor, runOperation } from './run.ts';
import { Time } from './time.ts';
import type { useWorlds } from './worlds.ts';

/** Set it for a long run: how many sequences each of the two files tries. */
const SEQUENCES = Number(process.env['SPICA_MODEL_SEQUENCES'] ?? 500);

/** The same sequences each time, so that a red run is the change's doing. Another number tries others. */
const SEED = Number(process.env['SPICA_SEED'] ?? 20_261_124);

/**
 * Has random sequences of what users, crashes and clocks do happen to a pool and to the model, and compares after each
 * step. `share`: of the sequences, where each takes long. Of a failure fast-check prints the seed, and the shortest sequence that it finds.
 */
export async function checkSequences(
  inWorld: ReturnType<typeof useWorlds>,
  { redisOnHost, share = 1 }: { redisOnHost: boolean; share?: number },
): Promise<void> {
  const sequence = fc.array(anyOperation, { minLength: 1, maxLength: 12, size: 'max' });
  const property = fc.asyncProperty(sequence, (operations) =>
    inWorld({ settings: SETTINGS, redisOnHost }, async (world) => {
      const model = new Model(new Time(world.clocks));
      const stepsBack = operations.some((operation) => operation.do === 'rollback');
      for (const operation of operations) {
        if (stepsBack) world.dumps.push(await takeDump(world, model));
        await runOperation(world, model, operation);
      }
      await expectAccountedFor(world, model);
    }),
  );
  await fc.assert(property, { numRuns: Math.ceil(SEQUENCES * share), seed: SEED });
}

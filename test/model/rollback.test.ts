import { it } from 'vitest';
import { Model, SETTINGS } from './model.ts';
import { type Deed, HOUR, type Operation } from './operation.ts';
import { takeDump } from './rollback.ts';
import { runOperation } from './run.ts';
import { Time } from './time.ts';
import { useWorlds } from './worlds.ts';

const inWorld = useWorlds();

/** Sequences that random ones come upon too rarely. What must hold after each operation is checked as in those. */
function run(deeds: readonly (Deed & Partial<Operation>)[]): Promise<void> {
  return inWorld({ settings: SETTINGS }, async (world) => {
    const model = new Model(new Time(world.clocks));
    for (const deed of deeds) {
      world.dumps.push(await takeDump(world, model));
      await runOperation(world, model, { crashAt: null, flushed: false, ...deed });
    }
  });
}

const SPAWN: Deed = { do: 'spawn', count: 1, leaseMs: null };
const FINISH: Deed = { do: 'finish', pick: 0 };
const PIN: Deed = { do: 'pin', pick: 0 };
const LEASE: Deed = { do: 'lease', pick: 0, owner: 'ada', ms: HOUR, force: false };
const back = (ago: number): Deed => ({ do: 'rollback', ago });
/** When the hour in which nothing is deleted is over, whatever is not protected is too old. */
const LATER: readonly Deed[] = [{ do: 'pass', ms: 72 * HOUR }, { do: 'prune' }];

it.each<[string, Deed]>([
  ['a comparison with the disk', { do: 'reconcile' }],
  ['a new worker', { do: 'restart' }],
])('a pin that Redis has lost is back after %s, and protects', async (_, mend) => {
  await run([SPAWN, FINISH, PIN, back(1), { do: 'prune' }, mend, ...LATER]);
});

it.each<[string, Deed]>([
  ['a comparison with the disk', { do: 'reconcile' }],
  ['a new worker', { do: 'restart' }],
])(
  'changes that come after Redis has stepped back do not hide it: %s brings back what it has lost',
  async (_, mend) => {
    await run([SPAWN, FINISH, PIN, back(1), LEASE, LEASE, LEASE, { do: 'prune' }, mend, ...LATER]);
  },
);

it('a spawn job that runs once more, since Redis has forgotten that it ran, keeps the pin of what it had brought up', async () => {
  const asked = { ...SPAWN, crashAt: 0 };
  await run([asked, FINISH, PIN, back(2), FINISH, { do: 'reconcile' }, ...LATER]);
  await run([asked, FINISH, PIN, back(2), FINISH, { do: 'restart' }, ...LATER]);
  await run([asked, FINISH, PIN, back(2), { do: 'restart' }, FINISH, ...LATER]);
  await run([asked, FINISH, PIN, back(2), { do: 'reconcile' }, FINISH, ...LATER]);
});

it('what was pinned after Redis was emptied, and before it was compared with the disk, stays pinned', async () => {
  await run([{ do: 'flush' }, SPAWN, FINISH, PIN, back(1), { do: 'reconcile' }, ...LATER]);
  await run([{ do: 'flush' }, SPAWN, FINISH, PIN, back(1), { do: 'restart' }, ...LATER]);
});

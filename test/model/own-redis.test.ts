import { beforeAll, it, vi } from 'vitest';
import { installSteps } from './crash.ts';
import { checkSequences } from './property.ts';
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

// With a Redis on the same host, whose clock is set with the host's.
it(
  'keeps what is in use and accounts for what goes, in any sequence of events and crashes',
  () => checkSequences(inWorld, { redisOnHost: true }),
  600_000,
);

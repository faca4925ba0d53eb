/** Runs one benchmark: `npm run bench -- spawn | gate | plan | admit | sample | prune | image | start | api | list`. */
const BENCHMARKS: Record<string, () => Promise<{ run(args: string[]): Promise<void> }>> = {
  spawn: () => import('./spawn.ts'),
  gate: () => import('./gate.ts'),
  plan: () => import('./plan.ts'),
  admit: () => import('./admit.ts'),
  sample: () => import('./sample.ts'),
  prune: () => import('./prune.ts'),
  image: () => import('./image.ts'),
  start: () => import('./start.ts'),
  api: () => import('./api.ts'),
  list: () => import('./list.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = BENCHMARKS[name];
if (load) {
  const { run } = await load();
  await run(args);
} else {
  console.error(`bench: expected one of ${Object.keys(BENCHMARKS).join(', ')}, got "${name}"`);
  process.exitCode = 2;
}

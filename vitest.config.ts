import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { SummaryReporter } from './scripts/test/summary-reporter.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether this is `npm run test:quick`, which starts no container. */
    quick: boolean;
  }
}

const summaryPath = process.env.SPICA_TEST_SUMMARY;

/**
 * What `npm run test:quick` (`vitest --mode quick`) leaves out: tests that kill or stop processes, mount filesystems, play
 * a model, install the package, or take seconds. `test/setup/quick.test.ts` finds those that kill or mount and are not here.
 */
const SLOW = ['**/*.slow.test.ts', '**/test/{dist,faults,model}/**'];

export default defineConfig(({ mode }) => ({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(mode === 'quick' ? SLOW : [])],
    provide: { quick: mode === 'quick' },
    // Processes of their own: tests start Redis servers and workers, mount filesystems and send signals.
    pool: 'forks',
    // In a quick run files share them, which takes half of the time.
    isolate: mode !== 'quick',
    // Files mostly wait for other processes, so even one core takes two; beyond four the disk is what is measured.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
    // For the slowest machine with all its cores busy; a test that waits for an event needs no other deadline.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 30_000 } },
    teardownTimeout: 20_000,
    retry: 0,
    allowOnly: false,
    reporters: summaryPath === undefined ? ['default'] : ['default', new SummaryReporter(summaryPath)],
  },
}));

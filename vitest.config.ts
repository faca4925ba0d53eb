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

/** Tests that kill or stop processes, mount filesystems, play a model, install the package, or take seconds. */
const SLOW = ['**/*.slow.test.ts', '**/test/{dist,faults,model}/**/*.test.ts'];
const ALL = ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'];

/**
 * Two kinds of tests. Those that are quick share a process, which takes half of the time; each slow file has one of its
 * own. `npm run test:quick` (`vitest --mode quick`) runs the quick ones alone. `test/setup/quick.test.ts` finds those that
 * kill or mount and are not named as slow.
 */
export default defineConfig(({ mode }) => {
  const quick = {
    extends: true as const,
    test: { name: 'quick', include: ALL, exclude: [...configDefaults.exclude, ...SLOW], isolate: false },
  };
  // A deadline is for what hangs: a machine that is ten times as slow, or has as much else to do, is no fault.
  const patient = { testTimeout: 480_000, hookTimeout: 240_000, expect: { poll: { timeout: 240_000 } } };
  const slow = { extends: true as const, test: { name: 'slow', include: SLOW, isolate: true, ...patient } };
  return {
    test: {
      projects: mode === 'quick' ? [quick] : [slow, quick],
      provide: { quick: mode === 'quick' },
      // Processes of their own: tests start Redis servers and workers, mount filesystems and send signals.
      pool: 'forks',
      // Slow files mostly wait for other processes, so there are two of them for each core; beyond that the disk is measured.
      maxWorkers: Math.min(4, Math.max(2, 2 * availableParallelism())),
      // For the slowest machine with all its cores busy; a test that waits for an event needs no other deadline.
      testTimeout: 60_000,
      hookTimeout: 60_000,
      expect: { poll: { timeout: 30_000 } },
      teardownTimeout: 20_000,
      retry: 0,
      allowOnly: false,
      reporters: summaryPath === undefined ? ['default'] : ['default', new SummaryReporter(summaryPath)],
    },
  };
});

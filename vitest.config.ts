import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SummaryReporter } from './scripts/test/summary-reporter.ts';

const summaryPath = process.env.SPICA_TEST_SUMMARY;

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // Processes of their own: tests start Redis servers and workers, mount filesystems and send signals.
    pool: 'forks',
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
});

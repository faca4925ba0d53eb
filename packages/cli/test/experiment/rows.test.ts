import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { RunResult } from '../../src/experiment/result.ts';
import { reportRows } from '../../src/experiment/rows.ts';

const DONE: RunResult = {
  ...{ index: 3, generation: 0, replica: 0, params: {}, instance: null, path: null },
  ...{ outcome: 'done', final: true, exitCode: 0, reason: null, score: 0.5, collected: 0, kept: false },
  ms: 1_000,
};

it('shows the runs in the order of their numbers, whichever came up first', () => {
  const stderr = new PassThrough();
  const report = reportRows({ stderr, jobs: 3, sizeOf: () => Promise.resolve(null) });
  report.begin(4, 0);
  for (const index of [2, 0, 3, 1]) report.event(index, 'running', `step ${index}`);
  report.result(DONE);
  report.end(null);
  expect(String(stderr.read())).toMatch(
    /\[3\] done in 1s, .*\n\[0\] .*step 0\n\[1\] .*step 1\n\[2\] .*step 2\n1 of 4 ended, best 0\.5 \[3\]/,
  );
});

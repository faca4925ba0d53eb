import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeSmallSite, type SmallSite } from '../../support/small-disk.ts';

const POLL = { interval: 200 };

let site: SmallSite;
beforeEach(async (context) => {
  const made = await makeSmallSite({
    template: { files: 2, bytes: 1_000 },
    retention: { trash_ttl: '0s' },
    disk: { growth_window: '1s' },
  });
  if ('skipped' in made) return context.skip(made.skipped);
  site = made;
  await site.up();
});
afterEach(async () => {
  await site?.close();
});

/** Spawns an instance that becomes so large, is measured, and goes. */
async function finish(bytes: number): Promise<string> {
  const { stdout, stderr } = await site.spica('spawn', '--max-wait', '20s', '--json');
  expect(stderr).not.toMatch(/error/);
  const { id = '', path = '' } = JSON.parse(stdout).instances[0];
  await writeFile(join(path, 'data', 'grown'), Buffer.alloc(bytes, 'x'));
  await site.spica('sample', id);
  expect((await site.spica('prune', '--max-instances', '0', '--yes')).exitCode).toBe(0);
  return id;
}

const profile = async () => JSON.parse((await site.spica('profile', 'show', '--json')).stdout).profiles[0];

it('one runaway among few does not decide: the next request fits; one can be forgotten, and all be set', async () => {
  for (const bytes of [100_000, 100_000, 100_000]) await finish(bytes);
  const runaway = await finish(220e6);
  const { profile: measured, largest } = await profile();
  expect(measured).toMatchObject({ n: 4 });
  expect(measured.bytes.max).toBeGreaterThan(220e6);
  expect(measured.bytes.p95).toBeLessThan(1e6);
  expect(largest[0]).toMatchObject({ id: runaway });
  const preflight = JSON.parse((await site.spica('preflight', '-n', '2', '--json')).stdout);
  expect(preflight).toMatchObject({
    verdict: 'admit',
    sentence: expect.stringMatching(/p95 of 4 samples, the largest \(22\d MB\) alone not decisive/),
  });

  expect(await site.spica('profile', 'forget', 'default', '--instance', runaway)).toMatchObject({
    exitCode: 0,
  });
  expect((await profile()).profile).toMatchObject({ n: 3 });
  await site.spica('profile', 'set', 'default', '0.1GB', '--by', 'ada');
  await expect
    .poll(async () => JSON.parse((await site.spica('preflight', '--json')).stdout).sentence, POLL)
    .toMatch(/1 × 100 MB, set by ada/);
  await site.spica('profile', 'set', 'default', '--clear');
  expect((await profile()).set).toBeNull();
  expect(await site.spica('profile', 'forget', 'nothing')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/template: expected one of pool main's: default, got "nothing"/),
  });
});

it('what was measured never makes a request impossible: on an empty pool one is a trial, and is measured', async () => {
  await finish(280e6);
  await site.spica('profile', 'set', 'default', '500MB');
  const many = await site.spica('spawn', '-n', '2', '--max-wait', '2s', '--json');
  expect(JSON.parse(many.stderr.trim().split('\n').at(-1) ?? '').error.code).toBe('MAX_WAIT_EXCEEDED');
  const preflight = await site.spica('preflight', '-n', '2');
  expect(preflight.stdout).toMatch(
    /the whole disk has no more: on an empty pool one instance is let in as a trial/,
  );
  const trial = await site.spica('spawn', '--max-wait', '20s', '--json');
  expect(trial).toMatchObject({ exitCode: 0 });
  expect((await site.spica('audit', 'tail')).stdout).toMatch(
    /the pool is empty: admitted as a trial with what there is/,
  );
  // It is the only one: the next has to wait for it.
  expect((await site.spica('spawn', '--max-wait', '1s')).exitCode).toBe(3);
});

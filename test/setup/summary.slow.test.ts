import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, onTestFinished, test } from 'vitest';

const CHECKOUT = join(import.meta.dirname, '../..');

/** Runs vitest over test files given as text, and returns the lines that test.sh prints last. */
async function summaryOf(files: Record<string, string>, ...options: string[]): Promise<string[]> {
  const dir = mkdtempSync(join(tmpdir(), 'spica-summary-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  symlinkSync(join(CHECKOUT, 'node_modules'), join(dir, 'node_modules'));
  mkdirSync(join(dir, 'test'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'test', name), text);
  const summary = join(dir, 'summary');
  const args = ['run', '--config', join(CHECKOUT, 'vitest.config.ts'), '--root', dir, ...options];
  await execa(join(CHECKOUT, 'node_modules/.bin/vitest'), args, {
    env: { SPICA_TEST_SUMMARY: summary },
    reject: false,
  });
  return readFileSync(summary, 'utf8').trimEnd().split('\n');
}

test('counts are exact, and each skipped test is named with its reason', async () => {
  expect(
    await summaryOf({
      'some.test.ts': `
        import { describe, expect, test } from 'vitest';
        test('good', () => {});
        test.each([1, 2])('good %i', () => {});
        test('bad', () => expect(1).toBe(2));
        describe('a group', () => {
          test('needs btrfs', (context) => context.skip('mkfs.btrfs is not here'));
          test.skip('without a reason', () => {});
        });`,
    }),
  ).toEqual([
    'skipped: test/some.test.ts > a group > needs btrfs (mkfs.btrfs is not here)',
    'skipped: test/some.test.ts > a group > without a reason (no reason given)',
    '3 passed, 1 failed, 2 skipped',
  ]);
});

/** What describeOnRedis does where there is no Docker engine. */
const WITHOUT_ENGINE = {
  'engine.test.ts': `
    import { beforeEach, describe, test } from 'vitest';
    describe('leases (on the image)', () => {
      beforeEach((context) => context.skip('no Docker engine'));
      test('are taken', () => {});
      describe('that end', () => {
        test('are free', () => {});
        test('are told of', () => {});
      });
    });
    describe('leases (here)', () => test('are taken', () => {}));`,
  'mounts.test.ts': `
    import { beforeEach, test } from 'vitest';
    beforeEach((context) => context.skip('mounting needs root'));
    test.each(['ext4', 'xfs'])('%s', () => {});`,
};

test('a suite or a file that is skipped for one reason has one line, and counts with each of its tests', async () => {
  expect((await summaryOf(WITHOUT_ENGINE)).sort()).toEqual([
    '1 passed, 0 failed, 5 skipped',
    'skipped: test/engine.test.ts > leases (on the image), 3 tests (no Docker engine)',
    'skipped: test/mounts.test.ts, 2 tests (mounting needs root)',
  ]);
});

test('what -t left out is not named', async () => {
  expect(await summaryOf(WITHOUT_ENGINE, '-t', 'are taken')).toEqual([
    'skipped: test/engine.test.ts > leases (on the image) > are taken (no Docker engine)',
    '1 passed, 0 failed, 5 skipped',
  ]);
});

test('a file that does not load, a failing hook and an unhandled rejection count as failed', async () => {
  const lines = await summaryOf({
    'load.test.ts': `throw new Error('not loaded');`,
    'hook.test.ts': `
      import { beforeAll, describe, test } from 'vitest';
      describe('a group', () => {
        beforeAll(() => { throw new Error('no hook'); });
        test('never run', () => {});
      });`,
    'unhandled.test.ts': `
      import { test } from 'vitest';
      test('good', () => { void Promise.reject(new Error('nobody listens')); });`,
  });
  expect(lines.at(-1)).toMatch(/^1 passed, 3 failed, \d skipped$/);
});

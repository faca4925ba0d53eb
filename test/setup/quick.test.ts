import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const CHECKOUT = join(import.meta.dirname, '../..');
/** The same as in vitest.config.ts. */
const SLOW = /\.slow\.test\.ts$|(^|\/)test\/(dist|faults|model)\//;
/** How tests mount (test/support/mount.ts, mount(8)), and kill or stop processes (also by the helpers' `kill()`). */
const ACTS = /support\/mount\.ts|execa\('mount'|'SIGKILL'|'SIGSTOP'|await \w+\.kill\(\)/;

test('whatever kills or mounts is named *.slow.test.ts, so that `npm run test:quick` leaves it out', async () => {
  const quick: string[] = [];
  for await (const path of glob(['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'], { cwd: CHECKOUT }))
    if (!SLOW.test(path) && path !== 'test/setup/quick.test.ts') quick.push(path);
  expect(quick.length).toBeGreaterThan(100);
  const texts = await Promise.all(quick.map((path) => readFile(join(CHECKOUT, path), 'utf8')));
  expect(quick.filter((_, i) => ACTS.test(texts[i] ?? ''))).toEqual([]);
});

import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { COMPILED } from '../support/spica.ts';

const SCRIPTS = join(import.meta.dirname, '../../scripts');

it.each([
  ['demo', ['--bogus'], "demo: Unknown option '--bogus'"],
  ['simulate', ['--seeds', '2'], "simulate: Unknown option '--seeds'"],
  ['bench', ['admit', '--bogus'], "bench admit: Unknown option '--bogus'"],
  [
    'bench',
    ['bogus'],
    'bench: expected one of spawn, gate, plan, admit, sample, prune, image, start, api, list, got "bogus"',
  ],
])('%s %j ends with one line that says what is wrong, and 2', async (script, args, line) => {
  const main = join(SCRIPTS, script, 'main.ts');
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, ...args], {
    env: COMPILED,
    reject: false,
  });
  expect([exitCode, stdout, stderr]).toEqual([2, '', line]);
});

import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { spica } from '../support/spica.ts';

const README = new URL('../../README.md', import.meta.url);

it('the README names every command that there is', async () => {
  const readme = await readFile(README, 'utf8');
  const table = readme.split('\n').filter((line) => line.startsWith('| ') && line.includes('`spica '));
  const listed = [...table.join('\n').matchAll(/`(?:spica )?([a-z]+)/g)].map(([, name]) => name);
  const shown = [...readme.matchAll(/spica ([a-z]+)/g)].map(([, name]) => name);
  const { stdout } = await spica(['--help'], {});
  const [, commands = ''] = stdout.split(/^Commands:$/m);
  const names = [...commands.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);
  expect(names).toContain('spawn');
  expect(names.filter((name) => !listed.includes(name) && !shown.includes(name))).toEqual([]);
});

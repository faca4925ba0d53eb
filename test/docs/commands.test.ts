import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spica } from '../support/spica.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGES = [
  'README.md',
  'docs/runners.md',
  'docs/operators.md',
  'docs/operating.md',
  'docs/templates.md',
  'docs/pools.md',
  'docs/deploying.md',
];

it('the pages for readers name every command that there is', async () => {
  const texts = await Promise.all(PAGES.map((page) => readFile(join(ROOT, page), 'utf8')));
  const pages = texts.join('\n');
  const table = pages.split('\n').filter((line) => line.startsWith('| ') && line.includes('`spica '));
  const listed = [...table.join('\n').matchAll(/`(?:spica )?([a-z]+)/g)].map(([, name]) => name);
  const shown = [...pages.matchAll(/spica ([a-z]+)/g)].map(([, name]) => name);
  const { stdout } = await spica(['--help'], {});
  const [, commands = ''] = /^Commands:\n(.*?)\n\n/ms.exec(stdout) ?? [];
  const names = [...commands.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name);
  expect(names).toContain('spawn');
  expect(names.filter((name) => !listed.includes(name) && !shown.includes(name))).toEqual([]);
});

import { chmod, mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { initPool } from '../../src/marker/init.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { checkTemplate } from '../../src/template/report.ts';
import { createTemplates } from '../../src/template/templates.ts';

let dir: string;
let template: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-examine-'));
  template = await makeTemplate(join(dir, 'template'));
});
afterEach(() => removeTree(dir));

async function put(path: string, content: string, mode = 0o644): Promise<void> {
  const at = join(template, path);
  await mkdir(dirname(at), { recursive: true });
  await writeFile(at, content);
  await chmod(at, mode);
}

function warningsOf(configured = template) {
  const sources = { default: { path: configured } };
  return checkTemplate({ root: join(dir, 'pool'), sources, name: 'default', allowGitFile: false });
}

it('says nothing of a template that names no place in it', async () => {
  await put('bin/tool', '#!/usr/bin/env python3\n', 0o755);
  await put('bin/other', `#!${template}-of-another/bin/python\n`, 0o755);
  await put('bin/below', `#!/below${template}/bin/python\n`, 0o755);
  await put('bin/notes', `#!/bin/sh\n#\n#\n# was in ${template}/bin once\n`, 0o755);
  await put('notes.txt', `it lies in ${template}/\n`);
  await symlink('/usr/bin/env', join(template, 'bin/env'));
  await symlink('tool', join(template, 'bin/link'));
  expect(await warningsOf()).toEqual([]);
});

it('warns of a Python environment, and no longer when it is left out', async (context) => {
  const { failed } = await execa('python3', ['-m', 'venv', '--without-pip', join(template, 'env')], {
    reject: false,
  });
  if (failed) return context.skip('needs python3 with venv');
  const [warning, ...others] = await warningsOf();
  expect(others).toEqual([]);
  expect(warning).toMatchObject({ code: 'ENVIRONMENT_IN_PLACE' });
  expect(warning?.files).toEqual(expect.arrayContaining(['env/bin/activate']));
  expect(warning?.count).toBe(warning?.files.length);
  expect(warning?.advice).toContain('uv venv --relocatable');
  await writeFile(join(template, '.templateignore'), '.venv/\nenv/\n');
  expect(await warningsOf()).toEqual([]);
});

it('says nothing of an environment that can be moved, as `uv venv --relocatable` makes it', async () => {
  const self = '$(dirname -- "$(dirname -- "$(realpath -- "$SCRIPT_PATH")")")';
  await put('env/pyvenv.cfg', 'home = /usr/bin\nuv = 0.9.0\nrelocatable = true\n');
  await put('env/bin/activate', `VIRTUAL_ENV=''"${self}"''\n`);
  await put('env/bin/activate.csh', `setenv VIRTUAL_ENV '${template}/env'\n`); // csh cannot know where it lies
  await put(
    'env/bin/pytest',
    `#!/bin/sh\n'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"\n' '''\n`,
    0o755,
  );
  expect(await warningsOf()).toEqual([]);
});

it.each([
  ['in the first line', (place: string) => `#!${place}/env/bin/python\n`],
  [
    'after the first line, as pip does where the path is long',
    (place: string) => `#!/bin/sh\n'''exec' "${place}/env/bin/python" "$0" "$@"\n' '''\n`,
  ],
])('warns of a script that names its interpreter in the template %s', async (_, content) => {
  await put('env/bin/tool', content(template), 0o755);
  expect(await warningsOf()).toMatchObject([
    {
      code: 'ENVIRONMENT_IN_PLACE',
      files: ['env/bin/tool'],
      count: 1,
      found: expect.stringMatching(/^env\/bin\/tool: /),
    },
  ]);
});

it('knows the template by every path that leads to it: as configured, as it is, and through other links', async () => {
  await symlink(dir, join(dir, 'home'));
  const configured = join(dir, 'home/template');
  await put('bin/configured', `#!${configured}/bin/python\n`, 0o755);
  await put('bin/real', `#!${template}/bin/python\n`, 0o755);
  await put('bin/through', `#!${dir}/home/home/template/bin/python\n`, 0o755);
  await symlink(`${dir}/home/home/template/VERSION`, join(template, 'bin/link'));
  expect(await warningsOf(configured)).toMatchObject([
    { files: ['bin/configured', 'bin/real', 'bin/through'] },
    { code: 'LINKS_INTO_TEMPLATE', files: ['bin/link'] },
  ]);
});

it('warns of conda, of what Python imports from the template, of absolute links, and of git hooks in it', async () => {
  await put('conda/conda-meta/history', `# cmd: conda create -p ${template}/conda\n`);
  await put('.git/config', `[core]\n\thooksPath = ${template}/hooks\n`);
  await put('lib/site-packages/mine.pth', `${template}/src\n`);
  await put('lib/site-packages/__editable___mine_finder.py', `MAPPING = {'mine': '${template}/src/mine'}\n`);
  await symlink(join(template, 'data'), join(template, 'to-data'));
  await symlink(join(template, 'gone'), join(template, 'to-nothing'));
  expect(await warningsOf()).toMatchObject([
    { code: 'ENVIRONMENT_IN_PLACE', files: ['.git/config', 'conda/conda-meta/history'] },
    {
      code: 'IMPORTS_FROM_TEMPLATE',
      files: ['lib/site-packages/__editable___mine_finder.py', 'lib/site-packages/mine.pth'],
    },
    { code: 'LINKS_INTO_TEMPLATE', files: ['to-data', 'to-nothing'] },
  ]);
});

it('warns of relative links that lead out of the template, and not of those that stay in it', async () => {
  await mkdir(join(template, 'data/deep'));
  await symlink('../../VERSION', join(template, 'data/deep/inside'));
  await symlink('../../../shared', join(template, 'data/deep/outside'));
  await symlink('../template/VERSION', join(template, 'by-its-name'));
  await symlink('./..', join(template, 'above'));
  await symlink('..two-dots', join(template, 'dots'));
  expect(await warningsOf()).toMatchObject([
    { code: 'LINKS_LEAD_OUT', files: ['above', 'by-its-name', 'data/deep/outside'] },
  ]);
});

it('warns of a build that knows where its sources lie, as it would build those of the template', async () => {
  await put('build/CMakeCache.txt', `# For build in directory: ${template}/build\n`);
  expect(await warningsOf()).toMatchObject([
    { code: 'ENVIRONMENT_IN_PLACE', files: ['build/CMakeCache.txt'] },
  ]);
});

it('warns of a .templateignore that is not at the top, since it counts for nothing', async () => {
  await put('data/.templateignore', '*.log\n');
  expect(await warningsOf()).toMatchObject([{ code: 'NESTED_IGNORE', files: ['data/.templateignore'] }]);
});

it('names the first of many files and says how many there are, and how many were not examined', async () => {
  await mkdir(join(template, 'bin'));
  const numbers = Array.from({ length: 1_005 }, (_, i) => String(i).padStart(4, '0'));
  const script = `#!${template}/env/bin/python\n`;
  for (const number of numbers) await writeFile(join(template, 'bin', number), script, { mode: 0o755 });
  const [environment, rest, ...others] = await warningsOf();
  expect(others).toEqual([]);
  expect(environment).toMatchObject({
    count: 1_000,
    found: expect.stringMatching(/^bin\/\d{4}, bin\/\d{4}, bin\/\d{4} and 997 more: /),
  });
  expect(environment?.files).toHaveLength(20);
  expect(rest).toMatchObject({ code: 'NOT_ALL_EXAMINED', count: 5 });
});

it('is logged once for each snapshot that is made', async () => {
  await symlink(join(template, 'data'), join(template, 'to-data'));
  const lines: { msg: string; code?: string; template?: string }[] = [];
  const stream = new PassThrough().on('data', (line) => lines.push(JSON.parse(line)));
  const templates = createTemplates({
    pool: await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock }),
    sources: { default: { path: template } },
    method: 'copy',
    clock: systemClock,
    logger: pino({ level: 'warn' }, stream),
  });
  await templates.prepare('default');
  await templates.prepare('default');
  expect(lines).toMatchObject([{ template: 'default', code: 'LINKS_INTO_TEMPLATE' }]);
  expect(lines[0]?.msg).toMatch(/^template default: to-data: absolute links into the template/);
  await writeFile(join(template, 'data/new'), '');
  await templates.prepare('default');
  expect(lines).toHaveLength(2);
});

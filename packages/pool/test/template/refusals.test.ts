import { appendFile, mkdir, mkdtemp, readdir, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { execa } from 'execa';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { changeBeforeEachRsync } from '../../../../test/support/changing.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { initPool } from '../../src/marker/init.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { createTemplates, type Templates } from '../../src/template/templates.ts';

let dir: string;
let template: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-refusals-'));
  template = await makeTemplate(join(dir, 'template'));
});
afterEach(() => removeTree(dir));

async function templatesAt(source: string, root = join(dir, 'pool')): Promise<Templates> {
  const pool = await initPool({ name: 'main', root, clock: systemClock });
  return createTemplates({
    pool,
    sources: { default: { path: source } },
    method: 'copy',
    clock: systemClock,
    logger: pino({ level: 'silent' }),
  });
}

it.each<[string, string, RegExp, () => Promise<unknown>]>([
  ['is missing', 'TEMPLATE_MISSING', /there is no .*template/, () => rm(template, { recursive: true })],
  ['is a file', 'TEMPLATE_MISSING', /expected a directory/, () => becomeFile()],
  ['is a dangling link', 'TEMPLATE_MISSING', /there is no/, () => becomeLink()],
  ['is empty', 'TEMPLATE_EMPTY', /is empty/, () => becomeEmpty()],
  ['has no VERSION', 'TEMPLATE_NO_VERSION', /has none/, () => unlink(join(template, 'VERSION'))],
  ['has an empty VERSION', 'TEMPLATE_NO_VERSION', /empty/, () => writeFile(join(template, 'VERSION'), '\n')],
  [
    'has a directory as VERSION',
    'TEMPLATE_UNREADABLE',
    /"it is a directory"/,
    () => becomeDirectory('VERSION'),
  ],
  [
    'has a directory as .templateignore',
    'TEMPLATE_IGNORE_INVALID',
    /expected a file of patterns, but it is no file/,
    () => becomeDirectory('.templateignore'),
  ],
  [
    'has a pipe as .templateignore',
    'TEMPLATE_IGNORE_INVALID',
    /but it is no file/,
    () => becomePipe('.templateignore'),
  ],
  [
    'has a link to nothing as .templateignore',
    'TEMPLATE_IGNORE_INVALID',
    /but it is a symbolic link to nothing/,
    () => becomeLinkToNothing('.templateignore'),
  ],
  [
    'has a .templateignore that is not meant as rsync takes it',
    'TEMPLATE_IGNORE_INVALID',
    /\.templateignore: line 2, `!keep\.me`: .*write `\+ keep\.me` above the pattern/,
    () => writeFile(join(template, '.templateignore'), '*.me\n!keep.me\n'),
  ],
])(
  'a template that %s is refused by name, and nothing is left of the attempt',
  async (_, code, text, spoil) => {
    const templates = await templatesAt(template);
    await spoil();
    for (const attempt of ['current', 'prepare', 'size'] as const) {
      const error = await templates[attempt]('default').catch((thrown) => thrown);
      expect(error).toMatchObject({ kind: 'refused', code });
      expect(error.message).toMatch(/^template default: /);
      expect(error.message).toMatch(text);
    }
    expect(await readdir(join(dir, 'pool/.spica/templates'))).toEqual([]);
  },
);

it('a template of which .templateignore leaves nothing is refused', async () => {
  const templates = await templatesAt(template);
  await writeFile(join(template, '.templateignore'), '*\n');
  await expect(templates.prepare('default')).rejects.toMatchObject({ code: 'TEMPLATE_EMPTY' });
});

it.each<[string, (path: string) => Promise<unknown>]>([
  ['a file', (path) => writeFile(path, '{"manifest_version": 3, "name": "a browser extension"}')],
  ['an empty file', (path) => writeFile(path, '')],
  ['a link', (path) => symlink('VERSION', path)],
  ['a directory', (path) => mkdir(join(path, 'deep'), { recursive: true })],
])(
  'a template with %s of its own under a name that Spica writes is refused, and taken once that is left out',
  async (_, make) => {
    for (const name of ['manifest.json', 'lineage.json']) {
      const templates = await templatesAt(template);
      await make(join(template, name));
      for (const attempt of ['prepare', 'size'] as const) {
        const error = await templates[attempt]('default').catch((thrown) => thrown);
        expect(error).toMatchObject({ kind: 'refused', code: 'TEMPLATE_OWN_NAME' });
        expect(error.message).toContain(`template default: ${name} would be lost in every instance`);
      }
      await appendFile(join(template, '.templateignore'), `/${name}\n`);
      await expect(templates.prepare('default')).resolves.toMatchObject({ template: 'default' });
    }
  },
);

it("a template that has such a file deeper down is taken: only the names at the top are Spica's", async () => {
  const templates = await templatesAt(template);
  await writeFile(join(template, 'data/manifest.json'), 'of a data set');
  const { path } = await templates.prepare('default');
  expect(await readdir(join(path, 'data'))).toContain('manifest.json');
});

it('an unknown template is refused with the names that there are, even one that every object has', async () => {
  const templates = await templatesAt(template);
  await expect(templates.current('nope')).rejects.toMatchObject({ code: 'TEMPLATE_UNKNOWN' });
  await expect(templates.current('toString')).rejects.toThrow(
    'template toString: there is none of that name (expected one of: default)',
  );
});

it('a template and a pool that lie in one another are refused, also through a link', async () => {
  await symlink(template, join(dir, 'link'));
  const inside = await templatesAt(join(dir, 'link'), join(template, 'pool'));
  await expect(inside.prepare('default')).rejects.toMatchObject({ code: 'TEMPLATE_OVERLAPS_POOL' });
  const around = await templatesAt(join(dir, 'pool', 'spica-0000'));
  await makeTemplate(join(dir, 'pool', 'spica-0000'));
  await expect(around.current('default')).rejects.toMatchObject({ code: 'TEMPLATE_OVERLAPS_POOL' });
  const sibling = await templatesAt(template, `${template}-pool`);
  await expect(sibling.prepare('default')).resolves.toMatchObject({ version: '1.0.0' });
});

it('a template that never stops changing is given up, and nothing is left of the attempts', async () => {
  const templates = await templatesAt(template);
  await changeBeforeEachRsync(dir, join(template, 'data/file-1'));
  await expect(templates.prepare('default')).rejects.toMatchObject({ code: 'TEMPLATE_CHANGING' });
  expect(await readdir(join(dir, 'pool/.spica/templates'))).toEqual([]);
});

it('fails with what went wrong, and then what it could not remove', async (context) => {
  const templates = await templatesAt(template);
  const prepared = join(dir, 'pool/.spica/templates');
  const { failed } = await execa('chattr', ['+a', '--', prepared], { reject: false });
  if (failed) return context.skip('no directory can be made one that nothing is renamed or removed in');
  try {
    const failure = await templates.prepare('default').catch((error) => error);
    expect(failure).toMatchObject({ kind: 'check', code: 'TEMPLATE_COPY_FAILED' });
    expect(failure.message).toMatch(/EPERM.* rename .*; moreover, \S+\.draft: not deleted in full: /);
  } finally {
    await execa('chattr', ['-a', '--', prepared]);
  }
});

it('leaves nothing behind when it is cancelled', async () => {
  const templates = await templatesAt(template);
  const cancelled = new AbortController();
  const preparing = templates.prepare('default', { signal: cancelled.signal });
  cancelled.abort(new Error('enough'));
  await expect(preparing).rejects.toThrow('enough');
  expect(await readdir(join(dir, 'pool/.spica/templates'))).toEqual([]);
});

async function becomeFile(): Promise<void> {
  await rm(template, { recursive: true });
  await writeFile(template, '');
}

async function becomeLink(): Promise<void> {
  await rm(template, { recursive: true });
  await symlink('nowhere', template);
}

async function becomeEmpty(): Promise<void> {
  await rm(template, { recursive: true });
  await mkdir(template);
}

async function becomeDirectory(name: string): Promise<void> {
  await rm(join(template, name), { recursive: true });
  await mkdir(join(template, name));
}

async function becomePipe(name: string): Promise<void> {
  await rm(join(template, name));
  await execa('mkfifo', ['--', join(template, name)]);
}

async function becomeLinkToNothing(name: string): Promise<void> {
  await rm(join(template, name));
  await symlink('nowhere', join(template, name));
}

import { writeFileSync } from 'node:fs';
import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { fingerprintOf } from '../../src/template/fingerprint.ts';
import { locateSource, readSource } from '../../src/template/source.ts';
import { survey } from '../../src/template/survey.ts';
import { createTemplates } from '../../src/template/templates.ts';
import { type Nursery, openNursery } from '../support/clones.ts';

let dir: string;
let template: string;
let nursery: Nursery;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-current-'));
  template = await makeTemplate(join(dir, 'template'));
  nursery = await openNursery(join(dir, 'pool'), template);
});
afterEach(() => removeTree(dir));

const at = (name: string) => join(template, name);
const current = () => nursery.templates.current('default');

it('is found by this process and by a new one while nothing changes, and stands for the template as a whole', async () => {
  expect(await current()).toBeNull();
  const prepared = await nursery.templates.prepare('default');
  expect(prepared).toMatchObject({ template: 'default', version: '1.0.0', templateRef: 'git:unknown' });
  expect(await current()).toEqual(prepared);
  expect(await nursery.templates.prepare('default')).toEqual(prepared);
  const another = await openNursery(join(dir, 'pool'), template);
  expect(await another.templates.current('default')).toEqual(prepared);
  expect(await another.templates.get('default', prepared.fingerprint)).toEqual(prepared);
  expect(await another.templates.get('default', 'never made')).toBeNull();
});

describe('a template', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['a file is rewritten at the same length', () => writeFile(at('data/file-1'), 'y'.repeat(1000))],
    ['a file is rewritten, and its times set back', () => rewriteWithOldTimes(at('data/file-1'))],
    ['a file is put in place of another by rename', () => replace(at('data/file-1'))],
    ['a file is added', () => writeFile(at('data/new'), '')],
    ['a file is added in a new directory, deep down', () => mkdir(at('data/a/b/c'), { recursive: true })],
    ['a file is deleted', () => unlink(at('data/file-1'))],
    ['a mode changes', () => chmod(at('data/file-1'), 0o600)],
    ['a time changes', () => utimes(at('data/file-1'), 1, 1)],
    ['a hard link is made', () => link(at('data/file-1'), at('data/again'))],
    ['a symbolic link is made', () => symlink('file-1', at('data/link'))],
    ['the version changes', () => writeFile(at('VERSION'), '1.0.1\n')],
    ['the ignore patterns change', () => appendFile(at('.templateignore'), '*.log\n')],
    ['what was left out becomes something else', () => becomeFile(at('.venv'))],
    ['the mode of the template itself changes', () => chmod(template, 0o711)],
    ['the template is replaced as a whole', () => replaceTemplate()],
  ])('is not used again once %s', async (_, edit) => {
    const prepared = await nursery.templates.prepare('default');
    await edit();
    expect(await current()).toBeNull();
    const anew = await nursery.templates.prepare('default');
    expect(anew.fingerprint).not.toBe(prepared.fingerprint);
    expect(await current()).toEqual(anew);
    expect(await nursery.templates.get('default', prepared.fingerprint)).toEqual(prepared);
  });

  it('costs nothing for what is left out, and is not disturbed by it', async () => {
    await writeFile(at('.templateignore'), '.venv/\n*.log\n');
    await mkdir(at('.venv/lib/deep'), { recursive: true });
    await writeFile(at('run.log'), 'begin\n');
    const prepared = await nursery.templates.prepare('default');
    const { size } = await lstat(at('run.log'));
    await appendFile(at('run.log'), 'more\n');
    await writeFile(at('.venv/lib/deep/module'), 'x');
    await chmod(at('.venv'), 0o000);
    expect(await current()).toEqual(prepared);
    expect((await lstat(at('run.log'))).size).toBeGreaterThan(size);
  });
});

it('is not used again once many files have come into a small one', async () => {
  const prepared = await nursery.templates.prepare('default');
  for (let n = 0; n < 600; n += 1) await writeFile(at(`data/file-${n}`), 'x');
  expect(await current()).toBeNull();
  const anew = await nursery.templates.prepare('default');
  expect(anew.inodes).toBeGreaterThan(prepared.inodes + 500);
  expect(await current()).toEqual(anew);
});

it('sees an edit that comes right after a look, and right after another edit', async () => {
  for (const round of [1, 2, 3, 4, 5]) {
    await writeFile(at('data/file-1'), `${round}a`);
    await current();
    await writeFile(at('data/file-1'), `${round}b`);
    const prepared = (await current()) ?? (await nursery.templates.prepare('default'));
    expect(await readFile(join(prepared.path, 'data/file-1'), 'utf8')).toBe(`${round}b`);
  }
});

it('is copied only when the last change is so old that the next one cannot carry the same time', async () => {
  await writeFile(at('data/file-1'), 'changed a moment ago');
  const { ctimeMs: changedAt } = await lstat(at('data/file-1'));
  const prepared = await nursery.templates.prepare('default');
  const { birthtimeMs: copiedAt } = await lstat(join(prepared.path, 'VERSION'));
  expect(copiedAt - changedAt).toBeGreaterThanOrEqual(50);
});

it('never holds half of an edit that comes while it is made', async () => {
  for (let i = 0; i < 300; i += 1) await writeFile(at(`data/part-${i}`), 'old');
  const preparing = nursery.templates.prepare('default');
  await writeFile(at('data/part-299'), 'new');
  await writeFile(at('data/part-0'), 'new');
  const prepared = await preparing;
  const read = (i: number) => readFile(join(prepared.path, `data/part-${i}`), 'utf8');
  const texts = [await read(299), await read(0)].join();
  if (texts !== 'new,new') expect(await current()).toBeNull();
  const anew = (await current()) ?? (await nursery.templates.prepare('default'));
  expect(await readFile(join(anew.path, 'data/part-0'), 'utf8')).toBe('new');
});

it('is used for this once, and not again, when a change time lies in the future', async () => {
  const templates = createTemplates({
    pool: nursery.pool,
    sources: { default: { path: template } },
    method: nursery.method,
    clock: { now: () => Date.now() - 3_600_000 },
    logger: pino({ level: 'silent' }),
  });
  const prepared = await templates.prepare('default');
  expect(await templates.current('default')).toBeNull();
  expect(await templates.get('default', prepared.fingerprint)).toEqual(prepared);
});

// By the fingerprint alone: to prepare thousands of files anew after each edit takes half a minute on a busy disk.
it.each([
  ['in many directories', 60],
  ['in one', 1],
])('sees each of thousands of files %s', async (_, directories) => {
  for (let d = 0; d < directories; d += 1) {
    await mkdir(at(`part-${d}/.venv`), { recursive: true });
    const files = Array.from({ length: 2_040 / directories }, (_, i) => `part-${d}/file-${i}`);
    for (const file of files) writeFileSync(at(file), 'x');
  }
  const source = await readSource(
    await locateSource(nursery.pool.paths.root, { default: { path: template } }, 'default'),
    false,
  );
  const { scope, totals } = await survey(source);
  expect(totals.inodes).toBe(2_040 + directories + 10);
  const look = () => fingerprintOf(source, scope, 'directory');
  let before = await look();
  for (const file of ['VERSION', 'part-0/file-0', `part-${directories - 1}/file-33`]) {
    await writeFile(at(`part-0/.venv/busy`), file);
    expect(await look()).toBe(before);
    await chmod(at(file), 0o600);
    const after = await look();
    expect(after).not.toBe(before);
    before = after;
  }
});

it('is gone when somebody deleted it, and made anew', async () => {
  const prepared = await nursery.templates.prepare('default');
  await removeTree(prepared.path);
  expect(await current()).toBeNull();
  expect(await nursery.templates.get('default', prepared.fingerprint)).toBeNull();
  expect(await nursery.templates.prepare('default')).toEqual(prepared);
});

it('is made once when many ask for it at the same time', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => nursery.templates.prepare('default')));
  expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(1);
});

async function rewriteWithOldTimes(path: string): Promise<void> {
  const { atime, mtime } = await lstat(path);
  await writeFile(path, 'z'.repeat(1000));
  await utimes(path, atime, mtime);
}

async function replace(path: string): Promise<void> {
  await writeFile(`${path}.new`, 'z'.repeat(1000));
  await rename(`${path}.new`, path);
}

async function becomeFile(path: string): Promise<void> {
  await rm(path, { recursive: true });
  await writeFile(path, 'a file, which the pattern does not mean');
}

async function replaceTemplate(): Promise<void> {
  await rename(template, `${template}.old`);
  await makeTemplate(template);
}

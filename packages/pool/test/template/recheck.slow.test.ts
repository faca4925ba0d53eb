import {
  appendFile,
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readdir,
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
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { putInFront } from '../../../../test/support/in-front.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { removeTree } from '../../src/remove/remove-tree.ts';
import type { Prepared } from '../../src/template/prepared.ts';
import { type Nursery, openNursery } from '../support/clones.ts';
import { makeOddities } from '../support/oddities.ts';

let dir: string;
let template: string;
let nursery: Nursery;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-recheck-'));
  template = await makeTemplate(join(dir, 'template'));
  nursery = await openNursery(join(dir, 'pool'), template);
  await mkdir(join(dir, 'cache'));
});
afterEach(() => removeTree(dir));

const at = (name: string) => join(template, name);
const current = () => nursery.templates.current('default');
const prepare = () => nursery.templates.prepare('default');
const recheck = () => nursery.templates.recheck('default');
const linkFrom = (name: string, to: string) => link(at(name), join(dir, 'cache', to));
const inodesOf = async ({ path }: Prepared) =>
  (await execa('find', ['.', '-printf', '%i %p\n'], { cwd: path })).stdout;

it('goes on with a snapshot when others make or remove hard links to files of the template', async () => {
  const prepared = await prepare();
  const before = await inodesOf(prepared);
  await linkFrom('data/file-1', 'wheel');
  expect(await current()).toBeNull();
  expect(await recheck()).toEqual({ prepared });
  expect(await current()).toEqual(prepared);
  await rm(join(dir, 'cache/wheel'));
  expect(await current()).toBeNull();
  const another = await openNursery(join(dir, 'pool'), template);
  expect(await another.templates.recheck('default')).toEqual({ prepared });
  expect(await another.templates.current('default')).toEqual(prepared);
  expect(await nursery.templates.get('default', prepared.fingerprint)).toEqual(prepared);
  expect(await inodesOf(prepared)).toBe(before);
  expect(await readdir(nursery.pool.paths.templates)).toHaveLength(3);
});

it.each<[string, string, () => Promise<unknown>]>([
  ['is rewritten with its times set back', 'data/file-1 changed (content)', () => rewriteWithOldTimes()],
  ['has another mode', 'data/file-1 changed (mode)', () => chmod(at('data/file-1'), 0o600)],
  ['has another time', 'data/file-1 changed (time)', () => utimes(at('data/file-1'), 1, 1)],
  ['has another size', 'data/file-1 changed (size, time)', () => appendFile(at('data/file-1'), 'more')],
  ['is added', 'data/ changed (time), data/new is new', () => writeFile(at('data/new'), '')],
  ['is removed', 'data/file-1 is gone, data/ changed (time)', () => unlink(at('data/file-1'))],
  ['is a link now', 'data/file-1 is new', () => becomeLink()],
  ['has another name', 'data/file-1 is gone, data/ changed (time), data/file-x is new', () => renameFile()],
  ['is left out now', 'data/file-1 is gone, .templateignore changed (size, time)', () => leaveOut()],
])('says why it does not when a file %s', async (_, difference, edit) => {
  const prepared = await prepare();
  await linkFrom('data/file-2', 'wheel');
  await edit();
  expect(await recheck()).toEqual({ difference: expect.stringContaining(difference) });
  expect(await current()).toBeNull();
  expect((await prepare()).fingerprint).not.toBe(prepared.fingerprint);
});

it('says so when an owner is another', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('changing owners needs root');
  await prepare();
  await chown(at('data/file-1'), 1234, 2345);
  expect(await recheck()).toEqual({ difference: 'data/file-1 changed (owner, group)' });
});

it('names three of many differences and counts the others', async () => {
  await prepare();
  for (const n of [0, 1, 2, 3, 4]) await chmod(at(`data/file-${n}`), 0o600);
  const { difference } = (await recheck()) as { difference: string };
  expect(difference).toMatch(/^data\/file-\d changed \(mode\), .*, .* and 2 more entries$/);
});

it('finds nothing to differ in a tree with all oddities, though every change time has moved', async () => {
  await makeOddities(template);
  const prepared = await prepare();
  await execa('chown', ['-hR', '--reference', template, '--', at('data')]);
  await execa(
    'sh',
    ['-c', 'find . -type f -exec sh -c \'for f; do ln "$f" ../cache/x; rm ../cache/x; done\' - {} +'],
    {
      cwd: template,
    },
  );
  expect(await current()).toBeNull();
  expect(await recheck()).toEqual({ prepared });
  expect(await current()).toEqual(prepared);
});

it('reads only files that may have changed since they were copied, and all where it is not known', async () => {
  const prepared = await prepare();
  const unread = join(prepared.path, 'data/file-3');
  await writeFile(unread, Buffer.alloc(1000, 'y')); // not as copied any more, which nobody is to look at
  await execa('touch', ['-r', at('data/file-3'), '--', unread]);
  await linkFrom('data/file-1', 'wheel');
  expect(await recheck()).toEqual({ prepared });
  await rm(`${prepared.path}.copied`);
  await linkFrom('data/file-1', 'wheel-again');
  expect(await recheck()).toEqual({ difference: 'data/file-3 changed (content)' });
});

it('goes on with a snapshot that another version made, which told templates in another way', async () => {
  const { path, fingerprint, ...prepared } = await prepare();
  const sidecar = JSON.parse(await readFile(`${path}.json`, 'utf8'));
  await writeFile(`${path}.json`, JSON.stringify({ ...sidecar, fingerprint: 'in another way' }));
  await rm(`${path}.copied`);
  const later = await openNursery(join(dir, 'pool'), template);
  expect(await later.templates.current('default')).toBeNull();
  const known = { ...prepared, path, fingerprint: 'in another way' };
  expect(await later.templates.recheck('default')).toEqual({ prepared: known });
  expect(await later.templates.current('default')).toEqual(known);
  expect(fingerprint).not.toBe(known.fingerprint);
});

it('reports the commit that the template is at now, of a repository around it', async () => {
  const commit = (digit: string) => writeFile(join(dir, '.git/HEAD'), `${digit.repeat(40)}\n`);
  await mkdir(join(dir, '.git'));
  await commit('a');
  const prepared = await prepare();
  expect(prepared.templateRef).toBe('git:aaaaaaaa');
  await commit('b');
  expect(await current()).toBeNull();
  const now = { ...prepared, originCommit: 'b'.repeat(40), templateRef: 'git:bbbbbbbb' };
  expect(await recheck()).toEqual({ prepared: now });
  expect(await current()).toEqual(now);
});

it('has nothing to compare without a snapshot, and refuses what a copy would be refused for', async () => {
  expect(await recheck()).toEqual({ difference: null });
  await prepare();
  await rm(at('VERSION'));
  await expect(recheck()).rejects.toMatchObject({ code: 'TEMPLATE_NO_VERSION' });
});

it.each<[string, string, 'whole' | 'given up']>([
  ['a hard link is made', 'ln "$TEMPLATE/data/file-1" "$TEMPLATE/../cache/$$"', 'whole'],
  ['a file is rewritten', 'date +%N >"$TEMPLATE/data/file-1"', 'given up'],
])('makes a snapshot in one go, or not at all, when %s each time that it is copied', async (_, edit, end) => {
  await putInFront(dir, 'rsync', (rsync) =>
    [
      `${rsync} "$@" || exit`,
      `case "$1" in -aHAXS) case "$*" in *-n8*) ;; *) ${edit} && echo copied >>"$TEMPLATE/../copies" ;; esac ;; esac`,
    ].join('\n'),
  );
  vi.stubEnv('TEMPLATE', template);
  const copies = async () => (await readFile(join(dir, 'copies'), 'utf8')).split('\n').length - 1;
  if (end === 'whole') {
    const prepared = await prepare();
    expect(await copies()).toBe(1);
    expect(await current()).toEqual(prepared);
  } else {
    await expect(prepare()).rejects.toMatchObject({
      code: 'TEMPLATE_CHANGING',
      message: expect.stringMatching(/\(4 times; last: data\/file-1 changed \(.*time\)/),
    });
    expect(await copies()).toBe(4);
  }
});

it('is never deceived by an edit that comes while it compares', async () => {
  await prepare();
  for (let round = 0; round < 15; round += 1) {
    await linkFrom('data/file-1', `wheel-${round}`);
    const comparing = recheck();
    await new Promise((resolve) => setTimeout(resolve, round * 12));
    await rewriteWithOldTimes(`${round}`.padEnd(1000, 'z'));
    await comparing;
    const prepared = (await current()) ?? (await prepare());
    expect(await readFile(join(prepared.path, 'data/file-1'), 'utf8')).toMatch(new RegExp(`^${round}z`));
  }
});

it('is swept with what is kept beside it, and not before', async () => {
  const first = await prepare();
  await linkFrom('data/file-1', 'wheel');
  await recheck();
  const kept = (await readdir(nursery.pool.paths.templates)).sort();
  await nursery.templates.sweep(new Set());
  expect((await readdir(nursery.pool.paths.templates)).sort()).toEqual(kept);
  await writeFile(at('data/file-1'), 'new');
  const second = await prepare();
  const later = await openNursery(join(dir, 'pool'), template); // which has handed out neither
  expect(await later.templates.sweep(new Set())).toEqual([first.fingerprint]);
  const names = await readdir(nursery.pool.paths.templates);
  expect(names).toHaveLength(3);
  for (const name of names) expect(join(nursery.pool.paths.templates, name)).toContain(second.path);
});

async function rewriteWithOldTimes(content = 'z'.repeat(1000)): Promise<void> {
  const path = at('data/file-1');
  await writeFile(join(dir, 'times'), '');
  await execa('touch', ['-r', path, '--', join(dir, 'times')]);
  await writeFile(path, content);
  await execa('touch', ['-r', join(dir, 'times'), '--', path]);
}

async function becomeLink(): Promise<void> {
  await rm(at('data/file-1'));
  await symlink('file-2', at('data/file-1'));
}

async function renameFile(): Promise<void> {
  await rename(at('data/file-1'), at('data/file-x'));
}

async function leaveOut(): Promise<void> {
  await appendFile(at('.templateignore'), 'file-1\n');
}

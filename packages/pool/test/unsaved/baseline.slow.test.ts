import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '@spica/core';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeTree } from '../../src/remove/remove-tree.ts';
import { createTemplates } from '../../src/template/templates.ts';
import { sweepBaselines } from '../../src/unsaved/baseline.ts';
import { newId } from '../support/clones.ts';
import { commit, git, openSite, type Site } from './site.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-baseline-'));
});
afterEach(() => removeTree(dir));

/** Sweeps as a process would that was started later. */
async function sweep({ pool, template }: Site): Promise<string[]> {
  const clock: Clock = { now: () => systemClock.now() + 120_000 };
  const logger = pino({ level: 'silent' });
  const options = { pool, sources: { default: { path: template } }, method: 'copy' as const, clock, logger };
  return createTemplates(options).sweep(new Set());
}

const baselines = async ({ pool }: Site) =>
  (await readdir(pool.paths.templates)).filter((name) => name.endsWith('.baseline'));

async function supersede({ template, templates }: Site): Promise<void> {
  await writeFile(join(template, 'VERSION'), '2.0.0\n');
  await templates.prepare('default');
}

it('what an instance was cloned with is known when its snapshot is gone, for as long as somebody needs it', async () => {
  const site = await openSite(dir);
  const at = await site.spawn();
  const { fingerprint } = (await site.templates.current('default')) ?? { fingerprint: '' };
  await supersede(site);
  expect(await sweep(site)).toEqual([fingerprint]);
  expect(await baselines(site)).toHaveLength(1);
  expect(await site.look(at)).toBeNull();
  await writeFile(join(at, 'untracked'), 'changed');
  expect(await site.look(at)).toBe('1 file changed since the spawn');
  await sweepBaselines(site.pool, async () => [{ template: 'default', fingerprint }]);
  await sweep(site); // is no leftover
  expect(await baselines(site)).toHaveLength(1);
  await sweepBaselines(site.pool, async () => []);
  expect(await baselines(site)).toEqual([]);
});

it('all that is on no remote counts where it is not known any more', async () => {
  const site = await openSite(dir);
  const at = await site.spawn();
  await supersede(site);
  await sweep(site);
  await sweepBaselines(site.pool, async () => []);
  expect(await site.look(at)).toBe(
    '1 commit not pushed, 1 stash, 4 files changed; what it was cloned with is not known any more',
  );
});

it('an adopted instance has nothing that it was cloned with', async () => {
  const site = await openSite(dir, { dirty: false });
  const id = newId();
  const at = site.pool.pathOf(id);
  await git(dir, 'clone', '-q', site.origin, at);
  expect(await site.look(at)).toBeNull();
  await commit(at, 'a');
  expect(await site.look(at)).toMatch(/^1 commit not pushed; what it was cloned with is not known/);
});

it('without a remote, what the template has is no loss, and all else is', async () => {
  const site = await openSite(dir, { dirty: false, remote: false });
  const at = await site.spawn();
  expect(await site.look(at)).toBeNull();
  await git(at, 'checkout', '-q', '-b', 'resumed');
  await commit(at, 'a');
  await git(at, 'commit', '-q', '--allow-empty', '-m', 'another');
  expect(await site.look(at)).toBe('2 commits not pushed');
});

it('a commit that it was cloned with may be gone: its branch deleted, and git cleaned up', async () => {
  const site = await openSite(dir);
  const at = await site.spawn();
  await git(at, 'reset', '-q', '--hard', 'origin/main');
  await git(at, 'stash', 'clear');
  await git(at, 'reflog', 'expire', '--expire=now', '--all');
  await git(at, 'gc', '-q', '--prune=now');
  expect(await site.look(at)).toBe(null);
  await commit(at, 'a');
  expect(await site.look(at)).toBe('1 commit not pushed');
});

it('of a worktree whose repository lies elsewhere only files are lost', async () => {
  const site = await openSite(dir, { dirty: false });
  const at = site.pool.pathOf(newId());
  await git(site.template, 'worktree', 'add', '-q', '-b', 'b', at);
  await commit(at, 'a');
  await writeFile(join(at, 'VERSION'), '2.0.0\n');
  await git(at, 'stash', '-q');
  expect(await site.look(at)).toBeNull();
  await writeFile(join(at, 'new'), 'x');
  expect(await site.look(at)).toMatch(/^1 file changed/);
});

it('a template without a repository has nothing to lose, whatever is written into its instances', async () => {
  const site = await openSite(dir, { dirty: false });
  await rm(join(site.template, '.git'), { recursive: true });
  const at = await site.spawn();
  await writeFile(join(at, 'new'), 'x');
  expect(await site.look(at)).toBeNull();
});

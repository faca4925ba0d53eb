import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, unsavedVerdict } from '@spica/core';
import { execa } from 'execa';
import { makeTemplate } from '../../../../test/support/template.ts';
import { findUnsavedWork } from '../../src/unsaved/find.ts';
import { type Nursery, newId, openNursery } from '../support/clones.ts';

/** Runs git as a user would, on this machine's repositories. */
export async function git(cwd: string, ...args: readonly string[]): Promise<string> {
  const as = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'safe.directory=*'];
  const env = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_ALLOW_PROTOCOL: 'file' };
  return (await execa('git', [...as, ...args], { cwd, env })).stdout;
}

export async function commit(cwd: string, name: string): Promise<void> {
  await writeFile(join(cwd, name), `${name}\n`);
  await git(cwd, 'add', '--', name);
  await git(cwd, 'commit', '-qm', name);
}

interface LookOptions {
  readonly mostMs?: number;
  /** As it is in the record; null where that does not say it. */
  readonly clonedAt?: number | null;
}

/** A pool whose template is a repository: with a remote, and what only it has. */
export interface Site extends Nursery {
  readonly template: string;
  readonly origin: string;
  /** A new instance: its directory. */
  spawn(params?: Readonly<Record<string, string>>): Promise<string>;
  /** Why an instance is kept; null where it is not. */
  look(instance: string, options?: LookOptions): Promise<string | null>;
}

/** `dirty`: the template has a commit that was never pushed, a stash, and a staged, a changed and an untracked file. */
export async function openSite(dir: string, { dirty = true, remote = true } = {}): Promise<Site> {
  const template = await makeTemplate(join(dir, 'template'));
  const origin = join(dir, 'origin.git');
  await git(dir, 'init', '-q', '--bare', '-b', 'main', origin);
  await git(template, 'init', '-q', '-b', 'main');
  await writeFile(join(template, '.gitignore'), '.venv/\nbuild/\n');
  await git(template, 'add', '-A');
  await git(template, 'commit', '-qm', 'begin');
  if (remote) {
    await git(template, 'remote', 'add', 'origin', origin);
    await git(template, 'push', '-q', '-u', 'origin', 'main');
  }
  if (dirty) {
    await commit(template, 'local');
    await writeFile(join(template, 'data/file-0'), 'put away');
    await git(template, 'stash', '-q');
    await writeFile(join(template, 'data/file-1'), 'changed');
    await writeFile(join(template, 'staged'), 'staged');
    await git(template, 'add', 'staged');
    await writeFile(join(template, 'untracked'), 'untracked');
    await rm(join(template, 'data/file-2'));
  }
  const nursery = await openNursery(join(dir, 'pool'), template);
  const clonedAt = new Map<string, { clonedAt: number; fingerprint: string }>();
  return {
    ...nursery,
    template,
    origin,
    async spawn(params = {}) {
      const { templates } = nursery;
      const prepared = (await templates.current('default')) ?? (await templates.prepare('default'));
      const path = await nursery.clone(prepared, { id: newId(), params });
      clonedAt.set(path, { clonedAt: systemClock.now(), fingerprint: prepared.fingerprint });
      return path;
    },
    async look(instance, options) {
      const id = instance.slice(instance.lastIndexOf('/') + 1);
      const known = clonedAt.get(instance) ?? { clonedAt: null, fingerprint: null };
      const target = { id, template: 'default', ...known, ...options };
      const found = await findUnsavedWork(nursery.pool, target, options);
      return unsavedVerdict(found)?.reason ?? null;
    },
  };
}

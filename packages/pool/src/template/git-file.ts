import { readlink } from 'node:fs/promises';
import { RefusedError } from '@spica/core';
import { parentOf, rawPathAt, textOf } from './key.ts';
import { MOST_TEXT_BYTES, type Notable } from './notable.ts';
import { readStart } from './read-start.ts';
import type { Source } from './source.ts';
import type { Survey } from './survey.ts';

/** Directories below a template, outermost first; each byte of a name is one character. Empty for the template itself. */
type Inside = readonly string[];

/** Where git would find the repository of a clone. */
type Found =
  | { readonly at: 'in the clone'; readonly inside: Inside }
  | { readonly at: 'elsewhere'; readonly path: string }
  | { readonly at: 'nowhere' };

/** Links lead to one another at most so often, as in Linux. */
const MOST_HOPS = 40;

/**
 * Refuses a template in which a `.git` that is cloned leads out of the clone: that of a worktree or submodule. Every
 * clone would have the same HEAD and index. Throws RefusedError TEMPLATE_GIT_FILE.
 */
export async function checkGitFiles(source: Source, surveyed: Survey): Promise<void> {
  if (source.allowGitFile) return;
  for (const notable of surveyed.notables.byKind.git) {
    const found = await findRepository(source.dir, notable);
    if (found.at === 'elsewhere') throw refuseGitFile(source, notable, found.path);
  }
}

/** Those that lead to a place in the clone where no repository will be. */
export async function findLostGit({ dir }: Source, { notables, included }: Survey): Promise<string[]> {
  const lost: string[] = [];
  for (const notable of notables.byKind.git) {
    const found = await findRepository(dir, notable);
    const isLost = found.at === 'in the clone' && !included.has(keyOf(found.inside));
    if (isLost) lost.push(textOf(notable.key));
  }
  return lost;
}

function refuseGitFile({ name, dir }: Source, { key, isLink }: Notable, path: string): RefusedError {
  const what = isLink ? 'a symbolic link' : 'a file, not a directory,';
  const git = textOf(key);
  const repository = git.slice(0, -'/.git'.length);
  const from = git === '.git' ? dir : `${dir}/${repository}`;
  const reason =
    `${git} is ${what} that leads to ${textOf(path)}: all instances would share one HEAD and one index, and a commit ` +
    `in one would move the others. Clone from a repository of its own (git clone --local ${from} DIRECTORY), ` +
    `or exclude it (\`/${git}\` in .templateignore), or set allow_git_file: true for the pool`;
  return new RefusedError('TEMPLATE_GIT_FILE', `template ${name}: ${reason}`, {
    template: name,
    file: git,
    leadsTo: textOf(path),
  });
}

function keyOf(inside: Inside): string {
  return `${inside.join('/') || '.'}/`;
}

/** Follows a `.git` as git in a clone of the directory would. */
async function findRepository(dir: string, { key, isLink }: Notable): Promise<Found> {
  const parent = parentOf(key) === './' ? [] : parentOf(key).slice(0, -1).split('/');
  if (isLink) {
    const found = await follow(dir, parent, '.git');
    if (found.at !== 'in the clone') return found;
    const content = await readText(dir, found.inside);
    return content === null ? checkShared(dir, found.inside) : readGitFile(dir, parent, content);
  }
  const content = await readText(dir, [...parent, '.git']);
  return content === null ? { at: 'nowhere' } : readGitFile(dir, parent, content);
}

/** git fails in a directory whose `.git` is no `gitdir: PATH`, in the template as in its clones. */
async function readGitFile(dir: string, parent: Inside, content: string): Promise<Found> {
  const [, path] = /^gitdir: (.+?)[\r\n]*$/s.exec(content) ?? [];
  if (path === undefined) return { at: 'nowhere' };
  const found = await follow(dir, parent, path);
  return found.at === 'in the clone' ? checkShared(dir, found.inside) : found;
}

/** A repository's directory may itself lead to another, or to a working tree that is not the clone's. */
async function checkShared(dir: string, inside: Inside): Promise<Found> {
  const common = (await readText(dir, [...inside, 'commondir']))?.trim();
  if (common !== undefined) {
    const found = await follow(dir, inside, common);
    if (found.at !== 'in the clone') return found;
  }
  const config = (await readText(dir, [...inside, 'config'])) ?? '';
  const [, tree] = /^\s*worktree\s*=\s*"?(\/[^"\n]*)/m.exec(config) ?? [];
  return tree === undefined ? { at: 'in the clone', inside } : { at: 'elsewhere', path: tree };
}

/** Where a path leads from a directory of the clone, through the links that are cloned with it. */
async function follow(dir: string, from: Inside, path: string, hops = 0): Promise<Found> {
  if (path.startsWith('/') || hops > MOST_HOPS) return { at: 'elsewhere', path };
  let here = [...from];
  for (const part of path.split('/').filter((name) => name !== '' && name !== '.')) {
    if (part === '..') {
      if (here.pop() === undefined) return { at: 'elsewhere', path };
      continue;
    }
    const target = await readTarget(dir, [...here, part]);
    if (target === null) {
      here.push(part);
      continue;
    }
    const found = await follow(dir, here, target, hops + 1);
    if (found.at !== 'in the clone') return found;
    here = [...found.inside];
  }
  return { at: 'in the clone', inside: here };
}

/** Null where it is no link, or not there. */
async function readTarget(dir: string, inside: Inside): Promise<string | null> {
  const target = await readlink(rawPathAt(dir, inside.join('/')), { encoding: 'buffer' }).catch(() => null);
  return target === null ? null : target.toString('latin1');
}

/** Null where it is no file, or not there. */
async function readText(dir: string, inside: Inside): Promise<string | null> {
  const start = await readStart(rawPathAt(dir, inside.join('/')), MOST_TEXT_BYTES);
  return start === null ? null : start.toString('latin1');
}

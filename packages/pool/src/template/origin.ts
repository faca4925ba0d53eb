import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** What is recorded of a template that is in no git repository, or in one that cannot be read. */
export const UNKNOWN_COMMIT = 'unknown';

const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** Symbolic references lead to one another at most so often, as in git. */
const MOST_HOPS = 5;

/**
 * The commit that the git HEAD of a directory is at, or `unknown`. Like git it looks in the directories above too, on
 * the same filesystem. The files are read here: `git` would refuse a repository of another user, and may not be there.
 */
export async function readOriginCommit(dir: string): Promise<string> {
  const gitDir = await findGitDir(dir);
  if (gitDir === null) return UNKNOWN_COMMIT;
  // In a linked worktree the branches are kept by the main one.
  const common = await readLine(join(gitDir, 'commondir'));
  const places = common === null ? [gitDir] : [gitDir, resolve(gitDir, common)];
  let name = 'HEAD';
  for (let hop = 0; hop < MOST_HOPS; hop += 1) {
    const value = await readRef(places, name);
    if (value === null) return UNKNOWN_COMMIT;
    if (!value.startsWith('ref: ')) return COMMIT.test(value) ? value : UNKNOWN_COMMIT;
    name = value.slice('ref: '.length).trim();
    if (name.split('/').includes('..')) return UNKNOWN_COMMIT;
  }
  return UNKNOWN_COMMIT;
}

async function findGitDir(start: string): Promise<string | null> {
  const { dev } = await stat(start);
  for (let dir = start; ; dir = dirname(dir)) {
    const found = await statIfThere(join(dir, '.git'));
    if (found?.isDirectory()) return join(dir, '.git');
    if (found?.isFile()) {
      const [, target] = /^gitdir: (.+)$/.exec((await readLine(join(dir, '.git'))) ?? '') ?? [];
      return target === undefined ? null : resolve(dir, target);
    }
    const above = dirname(dir);
    if (above === dir || (await statIfThere(above))?.dev !== dev) return null;
  }
}

/** A reference's value: from a file of its own, or from the packed ones. */
async function readRef(places: readonly string[], name: string): Promise<string | null> {
  for (const place of places) {
    const loose = await readLine(join(place, name));
    if (loose !== null) return loose;
  }
  for (const place of places) {
    const packed = (await readIfThere(join(place, 'packed-refs'))) ?? '';
    const line = packed.split('\n').find((each) => each.endsWith(` ${name}`));
    if (line !== undefined) return line.slice(0, line.indexOf(' '));
  }
  return null;
}

async function readLine(path: string): Promise<string | null> {
  const text = await readIfThere(path);
  return text === null ? null : (text.split('\n', 1)[0] ?? '').trim();
}

/** Where a commit comes from is recorded, not relied on: what cannot be read is as if it were not there. */
async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}

async function statIfThere(path: string) {
  return stat(path).catch(() => null);
}

import { chmod, readdir, stat } from 'node:fs/promises';
import type { PoolPaths } from './layout.ts';
import { makeDirectory } from './make-directory.ts';

const EVERYBODY_READS = 0o444;
const EVERYBODY_ENTERS = 0o555;
/** What is nobody's but the owner's has none of these bits. */
const OTHERS = 0o077;

/** What Spica itself puts into a state directory. */
const STATE_FILE = /^(audit\.jsonl(\..+)?|redis(\.sock)?|api\.sock)$/;

/**
 * Gives a pool's own directories their modes, whatever the umask was: what may hold parameters (records, notes of the
 * trash, snapshots, clones in the making, what set-ups printed) is the owner's alone; everybody may read the marker, so that commands of other
 * users know the pool. Returns the paths whose mode it may not change, as of another user's files.
 */
export async function setPoolModes(paths: PoolPaths): Promise<string[]> {
  const refused: string[] = [];
  const change = async (path: string, to: (mode: number) => number) => {
    if (!(await changeMode(path, to))) refused.push(path);
  };
  for (const path of [paths.templates, paths.staging, paths.trash, paths.records, paths.setUps]) {
    await change(path, (mode) => mode & ~OTHERS);
  }
  await change(paths.own, (mode) => mode | EVERYBODY_ENTERS);
  await change(paths.marker, (mode) => mode | EVERYBODY_READS);
  return refused;
}

/**
 * Makes the state directory the owner's alone, and makes it where it is missing. One that holds anything that is not
 * Spica's keeps its mode: it serves others too. Throws what the filesystem says.
 */
export async function makeStateDirPrivate(path: string): Promise<void> {
  await makeDirectory(path);
  const names = await readdir(path);
  if (names.every((name) => STATE_FILE.test(name))) await changeMode(path, (mode) => mode & ~OTHERS);
}

/** Whether a path has the mode that it is to have: true too where there is nothing at the path. */
async function changeMode(path: string, to: (mode: number) => number): Promise<boolean> {
  try {
    const mode = (await stat(path)).mode & 0o7777;
    if (to(mode) !== mode) await chmod(path, to(mode));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EPERM' || code === 'EROFS') return false;
    throw error;
  }
}

import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import pMap from 'p-map';
import { textOf } from '../template/key.ts';
import { type Changes, identify, listChanges } from './changes.ts';
import { countCommits, readTips, type Tips } from './commits.ts';
import { locateRepository, type Place, type Repository, withRepository } from './repository.ts';

/** What a repository held when it was cloned. */
export interface RepositoryState {
  /** Commits that its references and stashes named. */
  readonly tips: readonly string[];
  readonly stashes: readonly string[];
  /** What was not as HEAD had it, with what each file was (changes.ts). */
  readonly changes: readonly (readonly [record: string, identity: string])[];
}

/** What a snapshot's repositories held, by the directory of each: empty for its own, `sub/` for one within. */
export type Baseline = ReadonlyMap<string, RepositoryState>;

/** Repositories in one tree, of which more are not looked through. */
const MOST_REPOSITORIES = 100;
const LANES = 16;

/** A repository of a tree, opened. */
interface Visit {
  /** Its directory in the tree, as in a Baseline. */
  readonly at: string;
  readonly top: string;
  readonly repository: Repository;
  readonly changes: Changes;
  /** Null where its commits were looked at already, or do not go with the tree. */
  readonly tips: Tips | null;
}

/**
 * Visits the repository of a tree, and those within it that are submodules or that git passes over, one after the other.
 * False where the tree is in none. Throws an error that says what git could not tell.
 */
async function visitAll(
  dir: string,
  signal: AbortSignal,
  visit: (visit: Visit) => Promise<void>,
): Promise<boolean> {
  // What lies in it is told by real paths, and a link may lead to the pool.
  const root = join(await realpath(dirname(dir)), basename(dir));
  if (!(await lstat(root)).isDirectory()) throw new Error('something else lies in its place');
  const waiting = [''];
  const looked = new Set<string>();
  let visited = 0;
  for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
    const top = at === '' ? root : join(root, textOf(at));
    const place = await locateRepository(top);
    if (place === null) {
      if (at === '') return false;
      continue; // a submodule that is not checked out
    }
    visited += 1;
    if (visited > MOST_REPOSITORIES) throw new Error(`more than ${MOST_REPOSITORIES} repositories are in it`);
    await withRepository(top, place, signal, async (repository) => {
      const changes = await listChanges(repository.git, top);
      const isNews = !looked.has(place.commonDir) && goesWith(root, place);
      looked.add(place.commonDir);
      const tips = isNews ? await readTips(repository, top, root) : null;
      waiting.push(...changes.nested.map((nested) => at + nested));
      await visit({ at, top, repository, changes, tips });
    });
  }
  return true;
}

/** The repository of a worktree may lie elsewhere: then its commits and stashes stay. */
function goesWith(root: string, { gitDir, commonDir }: Place): boolean {
  return [gitDir, commonDir].some((path) => path.startsWith(root + sep));
}

/** Reads what a tree's repositories hold; null where it is in none. Throws an error that says what git could not tell. */
export async function readBaseline(root: string, signal: AbortSignal): Promise<Baseline | null> {
  const baseline = new Map<string, RepositoryState>();
  const isThere = await visitAll(root, signal, async ({ at, top, changes, tips }) => {
    const read = async ([record, path]: [string, string]) => [record, await identify(top, path)] as const;
    baseline.set(at, {
      tips: [...new Set(tips ? [...tips.saved, ...tips.own, ...tips.stashes] : [])],
      stashes: tips?.stashes ?? [],
      changes: await pMap(changes.records, read, { concurrency: LANES }),
    });
  });
  return isThere ? baseline : null;
}

/** What of a tree's repositories is not in a baseline, and on no remote. */
export interface Found {
  readonly commits: number;
  readonly stashes: number;
  readonly files: number;
}

/**
 * Finds what a tree's repositories hold that it was not cloned with.
 *
 * @param isOwn Whether Spica itself has made the change to a file of the tree, by its path.
 * @returns Null where the tree is in no repository. Throws an error that says what git could not tell.
 */
export async function findNew(
  root: string,
  baseline: Baseline | null,
  { signal, isOwn }: { readonly signal: AbortSignal; readonly isOwn: (path: string) => Promise<boolean> },
): Promise<Found | null> {
  let [commits, stashes, files] = [0, 0, 0];
  const isThere = await visitAll(root, signal, async ({ at, top, repository, changes, tips }) => {
    const before = baseline?.get(at);
    const known = new Map(before?.changes);
    const isNew = async ([record, path]: [string, string]) => {
      if (at === '' && (await isOwn(path))) return false;
      const was = known.get(record);
      return was === undefined || was !== (await identify(top, path));
    };
    const news = await pMap(changes.records, isNew, { concurrency: LANES });
    files += news.filter(Boolean).length;
    if (tips === null) return;
    stashes += tips.stashes.filter((sha) => !before?.stashes.includes(sha)).length;
    commits += await countCommits(repository, tips, before?.tips ?? []);
  });
  return isThere ? { commits, stashes, files } : null;
}

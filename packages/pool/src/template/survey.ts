import type { Part, Scope } from './fingerprint.ts';
import { listIncluded } from './rsync.ts';
import type { Source } from './source.ts';
import { createTally, type Totals } from './tally.ts';
import { VanishedError, walkEntries } from './walk.ts';

/** Fewer directories than this are not worth a process more. */
const WORTH_SPLITTING = 16;

/** What rsync would copy of a template. */
export interface Survey {
  readonly scope: Scope;
  readonly included: ReadonlySet<string>;
  readonly totals: Totals;
  /** The latest change of an entry in scope, epoch milliseconds. */
  readonly newestAt: number;
}

/**
 * Finds out what of a template is copied and what is left out, how much it is, and when it last changed.
 * Throws ChangingError, VanishedError, UnreadableError, or what execa throws.
 */
export async function survey(source: Source, signal?: AbortSignal): Promise<Survey> {
  const included = await listIncluded(source, signal);
  const directories = [...included].filter((key) => key.endsWith('/'));
  const leftOut = new Set<string>();
  const tally = createTally();
  await walkEntries(
    { dir: source.dir, directories, format: tally.format, ...(signal ? { signal } : {}) },
    (entry) => {
      if (included.has(entry.key)) tally.add(entry);
      else leftOut.add(entry.key);
    },
  );
  const { entries, newestAt, ...totals } = tally.read();
  if (entries !== included.size) throw new VanishedError('entries vanished while they were listed');
  return { scope: divide(directories, leftOut), included, totals, newestAt };
}

/**
 * Divides the directories into parts of about the same size, for two cores. Those that nothing is left out of are kept
 * apart: their walk need not be looked through.
 */
function divide(directories: readonly string[], leftOut: ReadonlySet<string>): Scope {
  const mixed = new Set([...leftOut].map(parentOf));
  if (directories.length < WORTH_SPLITTING) return [{ directories, leftOut }];
  return [directories.filter((key) => !mixed.has(key)), directories.filter((key) => mixed.has(key))]
    .flatMap((group) => (group.length < WORTH_SPLITTING ? [group] : halve(group)))
    .filter((group) => group.length > 0)
    .map((group) => partOf(group, leftOut));
}

/** Alternating: neighbours are alike. */
function halve(keys: readonly string[]): string[][] {
  return [0, 1].map((half) => keys.filter((_, i) => i % 2 === half));
}

function partOf(directories: readonly string[], leftOut: ReadonlySet<string>): Part {
  const here = new Set(directories);
  return { directories, leftOut: new Set([...leftOut].filter((key) => here.has(parentOf(key)))) };
}

/** The key of the directory that an entry lies in. */
function parentOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/', key.length - 2) + 1) || './';
}

import type { Copied } from './copied.ts';
import type { Part } from './digest.ts';
import type { Scope } from './fingerprint.ts';
import { parentOf } from './key.ts';
import { createNotables, NOTABLE_FORMAT, type Notables } from './notable.ts';
import { listIncluded } from './rsync.ts';
import type { Source } from './source.ts';
import { createTally, type Totals } from './tally.ts';
import { VanishedError, walkEntries } from './walk.ts';

/** Fewer entries than this are not worth a thread more. */
const WORTH_SPLITTING = 2_000;

/** What rsync would copy of a template. */
export interface Survey {
  readonly scope: Scope;
  readonly included: ReadonlySet<string>;
  /** What lies in directories that are copied, and is not copied itself. */
  readonly leftOut: ReadonlySet<string>;
  /** What each file of it is now (copied.ts). */
  readonly files: Copied;
  /** What of it may tie clones to the template. */
  readonly notables: Notables;
  readonly totals: Totals;
  /** The latest change of an entry in scope, epoch milliseconds. */
  readonly newestAt: number;
}

/**
 * Finds out what of a template is copied and what is left out, how much it is, and when it last changed.
 * Throws ChangingError, VanishedError, UnreadableError, or what execa throws.
 *
 * @param onCounted Gets the key of each entry that is copied, and the bytes that it adds to the whole.
 */
export async function survey(
  source: Source,
  signal?: AbortSignal,
  onCounted?: (key: string, bytes: number) => void,
): Promise<Survey> {
  const included = await listIncluded(source, signal);
  const directories = [...included].filter(isDirectory);
  const leftOut = new Set<string>();
  const tally = createTally(onCounted);
  const notables = createNotables();
  const files = new Map<string, string>();
  const format = `${tally.format} ${NOTABLE_FORMAT}`;
  await walkEntries({ dir: source.dir, directories, format, ...(signal ? { signal } : {}) }, (entry) => {
    if (!included.has(entry.key)) leftOut.add(entry.key);
    else {
      const piece = tally.add(entry);
      if (piece) notables.add(entry);
      if (piece?.isFile) files.set(entry.key, piece.seen);
    }
  });
  const data = await tally.readData(source.dir, signal);
  const { entries, newestAt, bytes, inodes } = tally.read(data);
  if (entries !== included.size) throw new VanishedError('entries vanished while they were listed');
  return {
    scope: divide(included, leftOut),
    included,
    leftOut,
    files,
    notables: notables.read(),
    totals: { bytes, inodes },
    newestAt,
  };
}

/**
 * Divides the directories into two parts of about as many entries, for two cores. Those that something is left out of
 * come last: the walk of a part that has none of them need not be looked through.
 */
function divide(included: ReadonlySet<string>, leftOut: ReadonlySet<string>): Scope {
  const entries = new Map<string, number>();
  for (const key of [...included, ...leftOut]) {
    entries.set(parentOf(key), (entries.get(parentOf(key)) ?? 0) + 1);
  }
  const mixed = new Set([...leftOut].map(parentOf));
  const directories = [...included].filter(isDirectory);
  const ordered = [
    ...directories.filter((key) => !mixed.has(key)),
    ...directories.filter((key) => mixed.has(key)),
  ];
  const all = included.size + leftOut.size;
  if (all < WORTH_SPLITTING) return [partOf(ordered, leftOut)];
  let before = 0;
  const middle = ordered.findIndex((key) => {
    before += entries.get(key) ?? 0;
    return before >= all / 2;
  });
  return [ordered.slice(0, middle + 1), ordered.slice(middle + 1)]
    .filter((part) => part.length > 0)
    .map((part) => partOf(part, leftOut));
}

function partOf(directories: readonly string[], leftOut: ReadonlySet<string>): Part {
  const here = new Set(directories);
  return { directories, leftOut: new Set([...leftOut].filter((key) => here.has(parentOf(key)))) };
}

function isDirectory(key: string): boolean {
  return key.endsWith('/');
}

import type { Scope } from './fingerprint.ts';
import { listIncluded } from './rsync.ts';
import type { Source } from './source.ts';
import { createTally, type Totals } from './tally.ts';
import { VanishedError, walkEntries } from './walk.ts';

/** A template with more entries is walked in two parts at once. */
const ONE_PART = 2_000;

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
  return {
    scope: { parts: split(directories, included.size), leftOut },
    included,
    totals,
    newestAt,
  };
}

function split(directories: readonly string[], entries: number): string[][] {
  if (entries <= ONE_PART) return [[...directories]];
  // Alternating: neighbours are alike, so that either part has about as much to do.
  return [0, 1].map((part) => directories.filter((_, i) => i % 2 === part));
}

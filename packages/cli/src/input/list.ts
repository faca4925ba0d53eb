import type { ListQuery } from '@spica/client/wire';
import { UsageError } from '@spica/core';
import type { Io } from '../io.ts';
import { parseCount, parseSize } from './numbers.ts';
import { splitPairs } from './pairs.ts';
import { SORTS } from './sorts.ts';

export interface ListOptions {
  readonly search?: string;
  readonly filter?: readonly string[];
  readonly sort?: string;
  readonly reverse?: boolean;
  readonly limit?: string;
  readonly quiet?: boolean;
  readonly watch?: boolean;
}

/** Which instances are listed, in which order, and how many at most. */
export interface ListAsked {
  readonly query: ListQuery;
  readonly limit: number;
}

/** Rows of a table that nobody has said how long it may be. */
const MOST_ON_TERMINAL = 200;

/** Those that are largest first by themselves. */
const DESCENDING: readonly string[] = ['score', 'size'];

/** What `--filter` takes, and the values of each; none where it is any text. */
const FILTERS: Readonly<Record<string, readonly string[] | null>> = {
  experiment: null,
  template: null,
  by: null,
  state: ['in-flight', 'ready', 'deleting'],
  lease: ['held', 'none'],
  pin: ['pinned', 'none'],
  rule: ['keeps', 'goes'],
  unsaved: ['yes'],
  'min-size': null,
};

/** Throws UsageError FLAG_INVALID that names the flag, the value and what was expected; FLAG_CONFLICT. */
export function readListOptions(
  options: ListOptions & { json?: boolean },
  { stdout }: Pick<Io, 'stdout'>,
): ListAsked {
  const { search, filter = [], sort = 'spawned', reverse = false, limit, watch } = options;
  if (watch && (!stdout.isTTY || options.json || options.quiet)) {
    const expected = 'expected on a terminal, without --json and --quiet';
    throw new UsageError('FLAG_CONFLICT', `--watch: ${expected}`, { flag: '--watch' });
  }
  const isSorted = (each: string): each is (typeof SORTS)[number] => SORTS.some((known) => known === each);
  if (!isSorted(sort)) throw invalid('--sort', `expected one of ${SORTS.join(', ')}`, sort);
  const isTable = stdout.isTTY === true && !options.json && !options.quiet;
  const descends = DESCENDING.includes(sort) !== reverse;
  return {
    query: {
      ...readFilters(filter),
      ...(search === undefined ? {} : { q: search.slice(0, 200) }),
      sort,
      order: descends ? 'desc' : 'asc',
    },
    limit:
      limit === undefined
        ? isTable
          ? MOST_ON_TERMINAL
          : Number.POSITIVE_INFINITY
        : parseCount('--limit', limit, { least: 1 }),
  };
}

function readFilters(pairs: readonly string[]): Partial<ListQuery> {
  const given: Record<string, string | number> = {};
  const labels: Record<string, string> = {};
  for (const [name, value] of splitPairs('--filter', pairs)) {
    const values = FILTERS[name];
    if (name.startsWith('label.')) labels[name.slice('label.'.length)] = value;
    else if (name === 'min-size') given['minBytes'] = parseSize('--filter min-size', value, { least: 0 });
    else if (values === undefined) {
      throw invalid(
        '--filter',
        `expected one of ${[...Object.keys(FILTERS), 'label.NAME'].join(', ')}`,
        name,
      );
    } else if (values?.includes(value) === false) {
      throw invalid(`--filter ${name}`, `expected one of ${values.join(', ')}`, value);
    } else given[name] = value;
  }
  return { ...given, labels };
}

function invalid(flag: string, expected: string, value: string): UsageError {
  const shown = value.length > 80 ? `${value.slice(0, 80)}…` : value;
  return new UsageError('FLAG_INVALID', `${flag}: ${expected}, got "${shown}"`, { flag });
}

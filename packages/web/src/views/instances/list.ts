import type { InstanceFilter, ListQuery } from '@spica/client/wire';
import type { Query } from '../../api/call.ts';
import type { QueryChanges } from '../../router/url.ts';

/*
 * Which instances are listed, and in which order, as it stands in the URL: under the names that the API has for it.
 */

const CHOICES = {
  lease: ['held', 'none'],
  pin: ['pinned', 'none'],
  rule: ['goes', 'keeps'],
  state: ['ready', 'in-flight', 'deleting'],
  unsaved: ['yes'],
} as const;
const TEXTS = ['q', 'experiment', 'template', 'by'] as const;

/** All that narrows a list down. */
const FILTERS = [
  ...TEXTS,
  ...(Object.keys(CHOICES) as (keyof typeof CHOICES)[]),
  'label',
  'minBytes',
] as const;

export type Sort = Exclude<NonNullable<ListQuery['sort']>, 'spawned'>;
export type Direction = 'asc' | 'desc';

/** What the column heads sort by, and which way at the first click. */
const DIRECTIONS: Readonly<Record<Sort, Direction>> = {
  age: 'asc',
  size: 'desc',
  score: 'desc',
  id: 'asc',
  experiment: 'asc',
  template: 'asc',
  lease: 'asc',
};
const PRESET: Sort = 'age';

/** As the API takes it. */
export type Filter = Omit<InstanceFilter, 'minBytes'> & { minBytes?: number };

export interface ListState {
  readonly filter: Filter;
  readonly sort: Sort;
  readonly order: Direction;
}

/** What a URL asks for; what the API would not take, as of a mistyped URL, is left out. */
export function readList(query: URLSearchParams): ListState {
  const asked = query.get('sort') ?? '';
  const sort = Object.hasOwn(DIRECTIONS, asked) ? (asked as Sort) : PRESET;
  const order = query.get('order');
  return {
    filter: readFilter(query),
    sort,
    order: order === 'asc' || order === 'desc' ? order : DIRECTIONS[sort],
  };
}

function readFilter(query: URLSearchParams): Filter {
  const filter: Record<string, unknown> = {};
  for (const name of TEXTS) {
    const text = query.get(name)?.trim();
    if (text) filter[name] = text;
  }
  for (const [name, values] of Object.entries(CHOICES)) {
    const value = query.get(name);
    if (value !== null && (values as readonly string[]).includes(value)) filter[name] = value;
  }
  const labels = query.getAll('label').flatMap((text) => {
    const at = text.indexOf('=');
    return at < 1 || text.startsWith('__proto__=') ? [] : [[text.slice(0, at), text.slice(at + 1)] as const];
  });
  if (labels.length > 0) filter.labels = Object.fromEntries(labels);
  const least = query.get('minBytes') ?? '';
  if (/^\d{1,15}$/.test(least) && least !== '0') filter.minBytes = Number(least);
  return filter;
}

/** The same as the query of `GET /v1/instances`. */
export function toApiQuery({ filter: { labels = {}, ...filter }, sort, order }: ListState): Query {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return { ...filter, label, sort, order };
}

export function isNarrowed({ filter }: ListState): boolean {
  return Object.keys(filter).length > 0;
}

/** What to change of the URL for another order: the same column once more turns it round. */
export function sortBy({ sort, order }: ListState, column: Sort): QueryChanges {
  const turned = order === 'asc' ? 'desc' : 'asc';
  const next = column === sort ? turned : DIRECTIONS[column];
  return {
    sort: column === PRESET ? null : column,
    order: next === DIRECTIONS[column] ? null : next,
    row: null,
  };
}

/** What to change of the URL for no filter at all. */
export function withoutFilters(): QueryChanges {
  return Object.fromEntries([...FILTERS, 'row'].map((name) => [name, null]));
}

/** A filter in words, beside a count: `leased, of experiment alpha`; empty for none. */
export function describeFilter(filter: Filter): string {
  const { q, experiment, template, by, lease, pin, rule, state, unsaved, labels = {}, minBytes } = filter;
  return [
    lease && (lease === 'held' ? 'leased' : 'not leased'),
    pin && (pin === 'pinned' ? 'pinned' : 'not pinned'),
    rule && (rule === 'goes' ? 'which the next prune would delete' : 'which stay'),
    state && `in state ${state}`,
    unsaved && 'with unsaved work',
    experiment && `of experiment ${experiment}`,
    template && `of template ${template}`,
    by && `submitted by ${by}`,
    ...Object.entries(labels).map(([name, value]) => `labelled ${name}=${value}`),
    minBytes && `of at least ${minBytes / 1e9} GB`,
    q && `with “${q}”`,
  ]
    .filter(Boolean)
    .join(', ');
}

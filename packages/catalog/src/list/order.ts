import type { Row } from './row.ts';

export type Direction = 'asc' | 'desc';

/** Where a row stands in a list: what that is ordered by, and the id. */
export type Place = readonly [Value, string];

type Value = number | string | null;
type Key = (row: Row) => Value;

/** By what lists are ordered, and which way by default. */
const KEYS = {
  spawned: [({ spawnedAt }) => spawnedAt ?? 0, 'asc'],
  age: [({ spawnedAt }) => -(spawnedAt ?? 0), 'asc'],
  score: [({ score }) => score, 'desc'],
  size: [({ ownBytes }) => ownBytes ?? 0, 'desc'],
  id: [({ id }) => id, 'asc'],
  experiment: [({ experiment }) => experiment, 'asc'],
  template: [({ template }) => template, 'asc'],
  lease: [({ leaseUntil }) => leaseUntil, 'asc'],
} satisfies Readonly<Record<string, readonly [Key, Direction]>>;

export type Sort = keyof typeof KEYS;

/** An order of rows, in which no two are equal: ties go by the id, and what has no value comes last, either way. */
export interface Order {
  readonly name: string;
  placeOf(row: Row): Place;
  compareRows(a: Row, b: Row): number;
  /** Negative where the row comes before the place, 0 where it is its own. */
  compareToPlace(row: Row, place: Place): number;
}

export function orderOf(sort: Sort, asked: Direction | undefined): Order {
  const [key, byDefault]: readonly [Key, Direction] = KEYS[sort];
  const direction = asked ?? byDefault;
  const sign = direction === 'asc' ? 1 : -1;
  const compare = (a: Value, idA: string, b: Value, idB: string) => {
    if (a === b) return idA < idB ? -1 : Number(idA > idB);
    if (a === null || b === null) return a === null ? 1 : -1;
    return a < b ? -sign : sign;
  };
  return {
    name: `${sort}:${direction}`,
    placeOf: (row) => [key(row), row.id],
    compareRows: (a, b) => compare(key(a), a.id, key(b), b.id),
    compareToPlace: (row, [value, id]) => compare(key(row), row.id, value, id),
  };
}

/** Sorts rows. Makes nothing for each: of 100,000 that would be ten megabytes of garbage. */
export function sortRows(rows: Iterable<Row>, order: Order): Row[] {
  return [...rows].sort(order.compareRows);
}

/** Rows in order without some and with others: as quick as going through them, where to sort them anew would not be. */
export function mergeRows(
  rows: readonly Row[],
  { without, and }: { readonly without: ReadonlySet<Row>; readonly and: readonly Row[] },
  order: Order,
): Row[] {
  const merged: Row[] = [];
  const coming = sortRows(and, order);
  let next = 0;
  for (const row of rows) {
    if (without.has(row)) continue;
    for (; next < coming.length; next += 1) {
      const before = coming[next];
      if (!before || order.compareRows(before, row) > 0) break;
      merged.push(before);
    }
    merged.push(row);
  }
  return merged.concat(coming.slice(next));
}

/** How many of the rows, which are in order, come up to a place and with it. */
export function countUpTo(rows: readonly Row[], place: Place, order: Order): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && order.compareToPlace(row, place) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

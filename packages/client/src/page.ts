import type { CatalogInstance } from '@spica/catalog';
import { ownBytes, UsageError } from '@spica/core';
import { parsePayload } from '@spica/queues';
import * as z from 'zod';
import type { InstanceView, Page } from './view.ts';
import { type ListQuery, listQuerySchema } from './wire/queries.ts';

type ReadListQuery = z.output<typeof listQuerySchema>;

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export function readListQuery(query: ListQuery): ReadListQuery {
  return parsePayload(listQuerySchema, query, 'list');
}

/**
 * The part of a pool's instances that a query asks for, in its order, as `viewOf` shows each. Throws UsageError
 * PAYLOAD_INVALID for a cursor that no list gave.
 */
export function pageOf(
  all: readonly CatalogInstance[],
  { sort, limit, cursor, ...filter }: ReadListQuery,
  viewOf: (instance: CatalogInstance) => InstanceView,
): Page<InstanceView> {
  const [after, place] = [readCursor(cursor), PLACES[sort]];
  const listed = all
    .filter((instance) => isAsked(instance, filter))
    .map((instance) => ({ instance, at: [place(instance), instance.record.id] as const }))
    .sort((a, b) => compare(a.at, b.at))
    .filter(({ at }) => after === null || compare(at, after) > 0);
  const items = listed.slice(0, limit);
  const last = items.at(-1);
  const next = last && listed.length > limit ? writeCursor(last.at) : null;
  return { items: items.map(({ instance }) => viewOf(instance)), next };
}

type Filter = Pick<ReadListQuery, 'experiment' | 'template' | 'state' | 'labels'>;

function isAsked({ record, state }: CatalogInstance, filter: Filter): boolean {
  return (
    (filter.experiment === undefined || record.experiment === filter.experiment) &&
    (filter.template === undefined || record.template === filter.template) &&
    (filter.state === undefined || state === filter.state) &&
    Object.entries(filter.labels).every(([name, value]) => record.labels[name] === value)
  );
}

/** By what a list is ordered, the smallest first; null comes last. */
const PLACES: Readonly<Record<NonNullable<ListQuery['sort']>, (instance: CatalogInstance) => number | null>> =
  {
    spawned: ({ record }) => record.spawnedAt ?? 0,
    score: ({ record }) => (record.score === null ? null : -record.score),
    size: ({ record }) => -(ownBytes(record) ?? 0),
  };

/** A place in a list: what it is ordered by, and the id. */
type Place = readonly [number | null, string];

function compare([a, idA]: Place, [b, idB]: Place): number {
  if (a !== b) return a === null ? 1 : b === null ? -1 : a - b;
  return idA < idB ? -1 : Number(idA > idB);
}

const placeSchema = z.tuple([z.number().nullable(), z.string()]);

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readCursor(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  try {
    return placeSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    const message = 'list: cursor: expected `next` of the part of the list before';
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'cursor' });
  }
}

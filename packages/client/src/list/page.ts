import type { CatalogInstance } from '@spica/catalog';
import { ownBytes, UsageError } from '@spica/core';
import { parsePayload } from '@spica/queues';
import * as z from 'zod';
import { type ListQuery, listQuerySchema } from './wire/queries.ts';

type ReadListQuery = z.output<typeof listQuerySchema>;

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export function readListQuery(query: ListQuery): ReadListQuery {
  return parsePayload(listQuerySchema, query, 'list');
}

/** Which instances a part of a list is made of. */
export interface PagePicker {
  /** The place of the last of the part before; null for the first part. */
  readonly after: Place | null;
  /** Whether an instance is asked for, and comes after that. */
  isNext(instance: CatalogInstance): boolean;
  /** The part itself, in its order, of instances that were read: of the next ones, at least as many as it may have and one more. */
  pick(read: readonly CatalogInstance[]): {
    readonly instances: CatalogInstance[];
    readonly next: string | null;
  };
}

/** Throws UsageError PAYLOAD_INVALID for a cursor that no list gave. */
export function pagePicker({ sort, limit, cursor, ...filter }: ReadListQuery): PagePicker {
  const [after, place] = [readCursor(cursor), PLACES[sort]];
  const placeOf = (instance: CatalogInstance): Place => [place(instance), instance.record.id];
  const isNext = (instance: CatalogInstance) =>
    isAsked(instance, filter) && (after === null || compare(placeOf(instance), after) > 0);
  return {
    after,
    isNext,
    pick(read) {
      const listed = read.filter(isNext).sort((a, b) => compare(placeOf(a), placeOf(b)));
      const instances = listed.slice(0, limit);
      const last = instances.at(-1);
      return { instances, next: last && listed.length > limit ? writeCursor(placeOf(last)) : null };
    },
  };
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

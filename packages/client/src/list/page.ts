import { countUpTo, type Order, orderOf, type Place, type Row } from '@spica/catalog/list';
import { UsageError } from '@spica/core';
import { parsePayload } from '@spica/queues';
import * as z from 'zod';
import { type ListQuery, listQuerySchema } from '../wire/queries.ts';
import { createFilter } from './filter.ts';

/** What a list is asked for. */
export interface ListAsked {
  readonly order: Order;
  /** Whether it says of all instances what the retention rules do with them. */
  readonly isByRule: boolean;
  /** All rows that are asked for, of all parts, in the order that they are in. */
  match(rows: readonly Row[], now: number): readonly Row[];
  /** The rows of the part, how many there are in all parts, and the cursor of the next one. `rows` are all, in the order. */
  pick(rows: readonly Row[], now: number): RowPage;
}

export interface RowPage {
  readonly rows: readonly Row[];
  readonly total: number;
  readonly next: string | null;
}

/** Throws UsageError PAYLOAD_INVALID for a query that is not as it must be, or a cursor that no list gave. */
export function readListQuery(query: ListQuery): ListAsked {
  const {
    sort,
    order: asked,
    limit,
    cursor,
    offset,
    ...filter
  } = parsePayload(listQuerySchema, query, 'list');
  if (cursor !== undefined && offset !== undefined) {
    const message = 'list: offset: expected without cursor';
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'offset' });
  }
  const order = orderOf(sort, asked);
  const after = cursor === undefined ? null : readCursor(cursor);
  const match = (rows: readonly Row[], now: number) => rows.filter(createFilter(filter, now));
  return {
    order,
    isByRule: filter.rule !== undefined,
    match,
    pick(all, now) {
      const found = match(all, now);
      const start = after === null ? (offset ?? 0) : countUpTo(found, after, order);
      const rows = found.slice(start, start + limit);
      const last = rows.at(-1);
      const isMore = start + rows.length < found.length;
      return { rows, total: found.length, next: last && isMore ? writeCursor(order.placeOf(last)) : null };
    },
  };
}

const placeSchema = z.tuple([z.union([z.number(), z.string()]).nullable(), z.string()]);

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readCursor(cursor: string): Place {
  try {
    return placeSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    const message = 'list: cursor: expected `next` of the part of the list before';
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'cursor' });
  }
}

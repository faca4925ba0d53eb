import { UsageError } from '@spica/core';
import { parsePayload, progressOf } from '@spica/queues';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Page, RequestView } from '../view.ts';
import { type REQUEST_STATES, type RequestsQuery, requestsQuerySchema } from '../wire/queries.ts';
import type { Connection } from './connection.ts';
import { readRequest } from './read-request.ts';

type State = (typeof REQUEST_STATES)[number];

/** The states of a gate job that has not ended, in BullMQ's words. */
const OPEN = ['wait', 'prioritized', 'active', 'delayed', 'waiting-children'] as const;

/** Newest first; those of one millisecond in the order of their ids. Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export async function listRequests(
  pool: Pick<Connection, 'queues' | 'redis' | 'name' | 'catalog'>,
  query: RequestsQuery,
): Promise<Page<RequestView>> {
  const { state, limit, cursor } = parsePayload(requestsQuerySchema, query, 'requests');
  const after = readCursor(cursor);
  const listed = (await readStands(pool.queues.gate, pool.redis, state))
    .filter((each) => state === undefined || each.state === state)
    .sort(byNewest)
    .filter((each) => after === null || byNewest(after, each) < 0);
  const shown = listed.slice(0, limit);
  const held = (await pool.catalog.publishedGate())?.held ?? [];
  const items = await Promise.all(shown.map(({ id }) => readRequest(pool, id, held).catch(() => null)));
  const last = shown.at(-1);
  const next = last && listed.length > limit ? writeCursor(last) : null;
  return { items: items.filter((item) => item !== null), next }; // one that was forgotten meanwhile is missing
}

interface Place {
  readonly at: number;
  readonly id: string;
}

function byNewest(a: Place, b: Place): number {
  return b.at - a.at || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/** When each was submitted and how it stands, without reading what was asked for. */
async function readStands(
  gate: Queue,
  redis: Redis,
  wanted: State | undefined,
): Promise<(Place & { state: State })[]> {
  const ended = wanted === 'completed' || wanted === 'failed' ? wanted : null;
  const open = ended === null ? await read(gate, redis, [...OPEN], null) : [];
  const isOpenWanted = wanted !== undefined && ended === null;
  const completed =
    isOpenWanted || ended === 'failed' ? [] : await read(gate, redis, ['completed'], 'completed');
  const failed = isOpenWanted || ended === 'completed' ? [] : await read(gate, redis, ['failed'], 'failed');
  return [...open, ...completed, ...failed];
}

async function read(
  gate: Queue,
  redis: Redis,
  types: Parameters<Queue['getRanges']>[0],
  ended: State | null,
): Promise<(Place & { state: State })[]> {
  const ids = await gate.getRanges(types, 0, -1); // by default the first two of each
  const pipeline = redis.pipeline();
  for (const id of ids) pipeline.hmget(gate.toKey(id), 'timestamp', 'progress');
  const replies = (await pipeline.exec()) ?? [];
  return ids.flatMap((id, i) => {
    const [failed, found] = replies[i] ?? [];
    if (failed) throw failed;
    const [timestamp, progress] = (found ?? []) as (string | null)[];
    return timestamp ? [{ id, at: Number(timestamp), state: ended ?? stateOf(progress ?? null) }] : [];
  });
}

function stateOf(progress: string | null): State {
  switch (progress === null ? undefined : progressOf(JSON.parse(progress))?.phase) {
    case undefined:
      return 'waiting';
    case 'preparing':
    case 'reclaiming':
    case 'held':
      return 'held';
    default:
      return 'spawning';
  }
}

const placeSchema = z.tuple([z.number(), z.string()]);

function writeCursor({ at, id }: Place): string {
  return Buffer.from(JSON.stringify([at, id])).toString('base64url');
}

function readCursor(cursor: string | undefined): Place | null {
  if (cursor === undefined) return null;
  try {
    const [at, id] = placeSchema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    return { at, id };
  } catch {
    const message = 'requests: cursor: expected `next` of the part of the list before';
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'cursor' });
  }
}

import type { Transport } from '@spica/client/redis';
import {
  type AuditQuery,
  auditQuerySchema,
  diskHistorySchema,
  historyQuerySchema,
  pageSchema,
  poolViewSchema,
  profileViewSchema,
  spaceNodeSchema,
  spaceQuerySchema,
} from '@spica/client/wire';
import { CheckError, UsageError } from '@spica/core';
import type { AuditRecord } from '@spica/queues';
import * as z from 'zod';
import { withoutOutput } from '../hide.ts';
import { forbidden } from '../own.ts';
import { type Call, type Route, route, type StreamEvent } from '../route.ts';
import type { Streams } from '../stream.ts';

const size = { bytes: z.number(), inodes: z.number() };
const text = z.string();

const auditRecord = z.looseObject({
  seq: z.number(),
  timestamp: text,
  action: text,
  instance: text.nullable(),
  request: text.nullable(),
  reason: text.nullable(),
  outcome: text,
});
const changed = z.object({ changed: z.literal(true), ids: z.array(text).nullable() });
const stats = z.object({
  version: text,
  startedAt: text,
  eventStreams: z.number(),
  pools: z.number(),
  instances: z.number(),
  heldRequests: z.number(),
  reserved: z.object({ ...size, slots: z.number() }),
});

export interface PoolRoutesOptions {
  readonly transports: ReadonlyMap<string, Transport>;
  readonly streams: Pick<Streams, 'open'>;
  readonly version: string;
  /** ISO-8601 UTC. */
  readonly startedAt: string;
}

/** How pools stand and stood, and who did what. */
export function poolRoutes({ transports, streams, version, startedAt }: PoolRoutesOptions): readonly Route[] {
  const all = () => Promise.all([...transports.values()].map((pool) => pool.poolStatus()));
  const named = ({ id }: Pick<Call, 'id'>): Transport => {
    const pool = transports.get(id);
    if (pool) return pool;
    const known = [...transports.keys()].join(', ');
    throw new CheckError('POOL_UNKNOWN', `name: expected one of: ${known}, got "${id.slice(0, 80)}"`, {
      field: 'name',
    });
  };
  return [
    route({
      method: 'GET',
      path: '/v1/pools',
      role: 'viewer',
      summary: 'List pools',
      answers: { 200: ['The pools', pageSchema(poolViewSchema)] },
      handle: async ({ hide }) => hide({ items: await all(), next: null }),
    }),
    route({
      method: 'GET',
      path: '/v1/pools/{name}',
      role: 'viewer',
      summary: 'How a pool stands',
      answers: { 200: ['The pool', poolViewSchema] },
      handle: async (call) => call.hide(await named(call).poolStatus()),
    }),
    route({
      method: 'GET',
      path: '/v1/pools/{name}/history',
      role: 'viewer',
      summary: "How a pool's disk was used, and when its floor is reached if it goes on so",
      description:
        'The newest points are dense, the oldest three hours apart; 30 days are kept. The band of the forecast lies between the ' +
        'steepest and the flattest trend that the last six hours allow.',
      query: historyQuerySchema,
      answers: { 200: ['The history, oldest first', diskHistorySchema] },
      handle: async (call) => call.hide(await named(call).history(call.query)),
    }),
    route({
      method: 'GET',
      path: '/v1/pools/{name}/profiles',
      role: 'viewer',
      summary: 'What instances of templates and experiments become, and how well that was foretold',
      description:
        'Those whose instances finished last come first, at most 200. Sizes are in the middle of the last 20 predictions.',
      answers: { 200: ['The profiles', pageSchema(profileViewSchema)] },
      handle: async (call) => named(call).profiles(),
    }),
    route({
      method: 'GET',
      path: '/v1/pools/{name}/space',
      role: 'viewer',
      summary: "What takes a pool's space: experiments, their templates and the largest instances",
      description:
        'A tree, the largest first. Of instances the `leaves` largest stand for themselves; what is smaller is one `rest` of its ' +
        'template, its experiment or the pool.',
      query: spaceQuerySchema,
      answers: { 200: ['The tree', spaceNodeSchema] },
      handle: async (call) => named(call).space(call.query),
    }),
    route({
      method: 'GET',
      path: '/v1/audit',
      role: 'viewer',
      ofPool: true,
      summary: 'Who did what: entries of the audit log',
      description:
        'The newest `limit` entries, with `before` (a `seq`) the newest before it, or with `after` the first ones after it; ' +
        'oldest first, and fewer where they are longer than 128 kB together, or little of much is asked for: `next` is the ' +
        '`before` of the part before it, null where there is none. With `Accept: text/event-stream` each further entry as it is written, from ' +
        '`Last-Event-ID` (a `seq`) on.',
      headers: { 'Last-Event-ID': 'the `seq` of the last entry that was seen' },
      query: auditQuerySchema,
      answers: { 200: ['The entries', pageSchema(auditRecord)] },
      events: auditRecord,
      handle: async (call) => {
        requireNoPath(call);
        const { items, next } = await call.pool.auditTail(call.query, { signal: call.signal });
        return { items: items.map((entry) => showEntry(call, entry)), next };
      },
      stream: async (call) => followAudit(call, call.query.after),
    }),
    route({
      method: 'GET',
      path: '/v1/stream',
      role: 'viewer',
      ofPool: true,
      summary: 'What changes in a pool, as server-sent events: one stream for a whole page',
      description:
        'Events are named: `pool` is how it stands (as GET /v1/pools/{name}, with the first hundred held requests), first of ' +
        'all and whenever that has changed; `away` that Redis is out of reach; `requests` and `instances` that some have ' +
        'changed, by their `ids`, null where all have to be read anew; `audit` is each further entry of the audit log. Of each ' +
        'but the last at most one comes in a second. A comment every 10 s shows that the connection lives. Whoever comes back ' +
        'with `Last-Event-ID` (a `seq`) gets the entries since. Expects `Accept: text/event-stream`.',
      headers: { 'Last-Event-ID': 'the `seq` of the last entry that was seen' },
      events: z.union([poolViewSchema, auditRecord, changed, z.object({ reason: text })]),
      answers: {},
      handle: async () => {
        const message = 'Accept: expected text/event-stream: there is nothing else here';
        throw new UsageError('PAYLOAD_INVALID', message, { field: 'Accept' });
      },
      stream: async (call) => watch(call),
    }),
    route({
      method: 'GET',
      path: '/v1/stats',
      role: 'viewer',
      summary: 'Sums over all pools, and how busy the server is',
      answers: { 200: ['The sums', stats] },
      handle: async () => {
        const pools = await all();
        const sum = (read: (view: (typeof pools)[number]) => number) =>
          pools.reduce((before, view) => before + read(view), 0);
        return {
          version,
          startedAt,
          eventStreams: streams.open,
          pools: pools.length,
          instances: sum(({ instances }) => instances),
          heldRequests: sum(({ heldCount }) => heldCount),
          reserved: {
            bytes: sum(({ reserved }) => reserved.bytes),
            inodes: sum(({ reserved }) => reserved.inodes),
            slots: sum(({ reserved }) => reserved.slots),
          },
        };
      },
    }),
  ];
}

/**
 * An outcome may end with a directory, which is for operators: nobody else is to find it out, letter by letter, by how an
 * outcome begins. Throws CheckError FORBIDDEN.
 */
function requireNoPath({ caller, query: { outcome } }: Call<AuditQuery>): void {
  if (caller.role !== 'operator' && outcome?.includes('/'))
    throw forbidden('outcome: to look for a path needs the role operator');
}

function showEntry({ caller, hide }: Pick<Call, 'caller' | 'hide'>, entry: AuditRecord): AuditRecord {
  return caller.role === 'operator' ? entry : withoutOutput(hide(entry));
}

async function* watch(call: Call): AsyncGenerator<StreamEvent> {
  const after = seqOf(call.headers['last-event-id']);
  const options = { ...(after === null ? {} : { after }), signal: call.signal };
  for await (const { event, data } of call.pool.watch(options)) {
    if (event === 'audit') yield { id: String(data.seq), event, data: showEntry(call, data) };
    else yield { event, data: call.hide(data) };
  }
}

/** What an event of the audit log is named by; null for what is none. */
function seqOf(id: unknown): number | null {
  const seq = Number(id ?? Number.NaN);
  return Number.isSafeInteger(seq) && seq >= 0 ? seq : null;
}

async function* followAudit(call: Call, asked: number | undefined): AsyncGenerator<StreamEvent> {
  const after = seqOf(call.headers['last-event-id']) ?? asked;
  const options = { ...(after === undefined ? {} : { after }), signal: call.signal };
  for await (const entry of call.pool.auditFollow(options)) {
    yield { id: String(entry.seq), data: showEntry(call, entry) };
  }
}

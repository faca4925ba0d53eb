import { createHash, randomUUID } from 'node:crypto';
import { CheckError, UsageError } from '@spica/core';
import type { AuditPage, AuditRecord } from '@spica/queues';
import type { LeaseAsked, LeaseGrant, ReleaseAsked, RequestEnd, Transport } from '../transport.ts';
import type { OversizeView, PoolEvent, PoolView, RequestEvent, RequestView } from '../view.ts';
import type { ListQuery } from '../wire/queries.ts';
import type { ApiAddress } from './address.ts';
import { ApiClient } from './call.ts';
import { Backoff, isAway } from './persist.ts';
import { followStream } from './stream.ts';
import { waitForEnd, within } from './wait.ts';

/**
 * Reaches a pool through an HTTP API; `pool` null for the only one that it serves. Throws UnreachableError
 * SERVER_UNREACHABLE where nobody answers, CheckError UNAUTHENTICATED for a token that lets nobody in, UsageError
 * POOL_AMBIGUOUS, POOL_UNKNOWN.
 */
export async function openHttpTransport(
  address: ApiAddress,
  { pool }: { readonly pool: string | null },
): Promise<Transport> {
  const client = new ApiClient(address);
  try {
    const { items } = await client.call<{ items: PoolView[] }>({ path: '/v1/pools' });
    const names = items.map((each) => each.pool);
    return overHttp(client, choosePool(names, pool));
  } catch (error) {
    client.close();
    throw error;
  }
}

function choosePool(names: readonly string[], asked: string | null): string {
  const known = names.join(', ');
  if (asked === null) {
    if (names.length === 1 && names[0] !== undefined) return names[0];
    throw new UsageError('POOL_AMBIGUOUS', `pool: expected one of: ${known}; none was given`, {
      field: 'pool',
    });
  }
  if (names.includes(asked)) return asked;
  throw new UsageError('POOL_UNKNOWN', `pool: expected one of: ${known}, got "${asked}"`, { field: 'pool' });
}

function overHttp(client: ApiClient, pool: string): Transport {
  const of: QueryOf = (more = {}) => {
    const given = Object.entries({ pool, ...more }).filter(([, value]) => value !== undefined);
    return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
  };
  const get = <T>(path: string, query = of()) => client.call<T>({ path, query });
  const put = <T>(path: string, body: unknown) => client.call<T>({ method: 'PUT', path, body, query: of() });
  /** What is said of the pool itself, which its path names. */
  const ofPool = <T>(path: string, asked: Readonly<Record<string, unknown>> = {}) => {
    const query = of(asked);
    query.delete('pool');
    return client.call<T>({ path: `/v1/pools/${segment(pool)}${path}`, query });
  };
  /** Asks the pool's worker, which takes its time. */
  const ask = <T>(path: string, body: unknown, signal?: AbortSignal) =>
    client.call<T>({ method: 'POST', path, body, query: of(), signal, answerMs: null });

  return {
    pool,
    submit: async (body, { key }) => {
      // Under a key of its own where the caller has none: a call that is made again is submitted once.
      const headers = { 'idempotency-key': headerOf(key ?? randomUUID()) };
      const call = { method: 'POST', path: '/v1/requests', body, headers, query: of() } as const;
      const { status, body: view } = await client.exchange<RequestView>(call);
      return { id: view.id, created: status === 201 };
    },
    request: (id) => get(request(id)),
    requests: (query) => get('/v1/requests', of(query)),
    events: (id, options) => eventsOf(client, id, { ...options, query: of() }),
    wait: (id, options) =>
      waitForEnd(client, { id, path: `${request(id)}/result`, query: of() }, options) as Promise<RequestEnd>,
    cancel: async (id) => {
      const call = { method: 'DELETE', path: request(id), query: of() } as const;
      return (await client.call<{ outcome: 'cancelled' | 'completed' }>(call)).outcome;
    },

    instances: (query) => get('/v1/instances', instancesQuery(of, query)),
    instance: (id) => get(instance(id)),
    lease: async (id, asked) => toGrant(await put(`${instance(id)}/lease`, leaseBody(asked))),
    releaseLease: async (id, { token, discard, force = false }: ReleaseAsked) => {
      const headers: Record<string, string> = token === null ? {} : { 'spica-lease-token': token };
      const call = {
        method: 'DELETE',
        path: `${instance(id)}/lease`,
        query: of({ discard, force }),
        headers,
      } as const;
      return (await client.call<{ outcome: 'released' | 'discarded' | 'none' }>(call)).outcome;
    },
    pin: async (id, { why }) => void (await put(`${instance(id)}/pin`, { why })),
    unpin: async (id) => {
      await client.call({ method: 'DELETE', path: `${instance(id)}/pin`, query: of() });
    },
    score: async (id, value) => void (await put(`${instance(id)}/score`, { score: value })),
    grow: (id, { capBytes, maxWaitMs = null, ...asking }) =>
      within(asking, pool, (signal) => ask(`${instance(id)}/grow`, { capBytes, maxWait: maxWaitMs }, signal)),
    restore: async (id, asking) =>
      void (await within(asking, pool, (signal) => ask(`${instance(id)}/restore`, {}, signal))),
    sample: (ids, asking = {}) => within(asking, pool, (signal) => ask('/v1/samples', { ids }, signal)),
    collect: (ids, { patterns, ...asking }) =>
      within(asking, pool, (signal) => ask('/v1/collections', { ids, patterns }, signal)),
    previewAction: (asked) =>
      client.call({ method: 'POST', path: ACTIONS, body: asked, query: of({ dryRun: true }) }),
    act: (asked) => ask(ACTIONS, asked),
    verify: (id, asking = {}) => within(asking, pool, (signal) => ask(`${instance(id)}/verify`, {}, signal)),

    preflight: (asked, asking = {}) => within(asking, pool, (signal) => ask('/v1/preflight', asked, signal)),
    plan: (limits, asking = {}) => within(asking, pool, (signal) => ask('/v1/plans', limits, signal)),
    whatIf: (limits, asking = {}) =>
      within(asking, pool, (signal) => ask('/v1/plans', { whatIf: limits }, signal)),
    execute: (digest, { reason = null, ...asking }) =>
      within(asking, pool, (signal) => ask(`/v1/plans/${segment(digest)}/execution`, { reason }, signal)),

    auditTail: async (query, asking = {}) =>
      within(asking, pool, async (signal) => {
        const call = { path: '/v1/audit', query: of(query), signal, answerMs: null };
        return client.call<AuditPage>(call);
      }),
    oversize: async ({ request }) =>
      (await get<Omit<OversizeEvent, 'id'>>('/v1/oversize', of({ request: request ?? undefined }))).instances,
    oversizeFollow: (options) => oversizeOf(client, options, of),
    auditFollow: (options) => auditOf(client, { ...options, query: of() }),
    saveTournament: async (record) => void (await put(tournament(record.id), record)),
    tournament: (id) => get(tournament(id)),
    tournaments: (query) => get('/v1/tournaments', of(query)),
    watch: (options) => watchOf(client, { ...options, query: of() }),
    poolStatus: () => ofPool(''),
    history: (query) => ofPool('/history', query),
    profiles: () => ofPool('/profiles'),
    space: (query) => ofPool('/space', query),
    close: async () => client.close(),
  };
}

type OversizeEvent = { id: string; instances: readonly OversizeView[] };

/** A request's events; one that is forgotten while somebody follows it has failed, as far as they can know. */
async function* eventsOf(
  client: ApiClient,
  id: string,
  { after = null, signal, query }: Parameters<Transport['events']>[1] & { readonly query: URLSearchParams },
): ReturnType<Transport['events']> & AsyncGenerator<{ id: string; event: RequestEvent }, void> {
  const isLast = (data: unknown) => LAST.includes((data as RequestEvent).phase);
  let seen = false;
  try {
    for await (const each of followStream(client, {
      path: `${request(id)}/events`,
      query,
      after,
      signal,
      isLast,
    })) {
      seen = true;
      yield { id: each.id, event: each.data as RequestEvent };
    }
  } catch (error) {
    if (!seen || !(error instanceof CheckError) || error.code !== 'REQUEST_UNKNOWN') throw error;
    const reason = `request ${id} is not known any more`;
    yield { id: 'unknown', event: { phase: 'failed', reason, code: 'REQUEST_UNKNOWN' } };
  }
}

const LAST: readonly RequestEvent['phase'][] = ['ready', 'rejected', 'failed'];

/** Goes on after the last entry of the audit log that came; of what else changes only the present state counts. */
async function* watchOf(
  client: ApiClient,
  { after, signal, query }: Parameters<Transport['watch']>[0] & { readonly query: URLSearchParams },
): AsyncGenerator<PoolEvent, void> {
  const seen = after === undefined ? null : String(after);
  const stream = { path: '/v1/stream', query, after: seen, signal, isLast: () => false };
  try {
    for await (const { event, data } of followStream(client, stream)) {
      yield { event, data } as PoolEvent;
      if (signal.aborted) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Ends with its signal, as whoever follows wants it to. */
async function* auditOf(
  client: ApiClient,
  { after, signal, query }: Parameters<Transport['auditFollow']>[0] & { readonly query: URLSearchParams },
): AsyncGenerator<AuditRecord, void> {
  try {
    const seen = after ?? (await newestOf(client, { signal, query }));
    for await (const { data } of followStream(client, {
      path: '/v1/audit',
      query,
      after: String(seen),
      signal,
      isLast: () => false,
    })) {
      yield data as AuditRecord;
      if (signal.aborted) return;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The number of the newest entry, 0 where there is none; asked until somebody can tell. */
async function newestOf(
  client: ApiClient,
  { signal, query }: { readonly signal: AbortSignal; readonly query: URLSearchParams },
): Promise<number> {
  const backoff = new Backoff();
  const newest = new URLSearchParams([...query, ['limit', '1']]);
  for (;;) {
    try {
      const call = { path: '/v1/audit', query: newest, signal, answerMs: null };
      return (await client.call<AuditPage>(call)).items.at(-1)?.seq ?? 0;
    } catch (error) {
      if (!isAway(error) || client.isClosed) throw error;
    }
    await backoff.pause(signal);
  }
}

/** Ends with its signal. */
async function* oversizeOf(
  client: ApiClient,
  { request = null, after = null, signal }: Parameters<Transport['oversizeFollow']>[0],
  of: QueryOf,
): ReturnType<Transport['oversizeFollow']> & AsyncGenerator<OversizeEvent, void> {
  const query = of({ request: request ?? undefined });
  const stream = { path: '/v1/oversize', query, after, signal, isLast: () => false };
  try {
    for await (const { id, data } of followStream(client, stream)) {
      yield { id, ...(data as Omit<OversizeEvent, 'id'>) };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

const request = (id: string) => `/v1/requests/${segment(id)}`;
const tournament = (id: string) => `/v1/tournaments/${segment(id)}`;
const ACTIONS = '/v1/instances/actions';
const instance = (id: string) => `/v1/instances/${segment(id)}`;

/** A part of a path. What is empty would be another path. */
function segment(text: string): string {
  return encodeURIComponent(text) || '-';
}

/** A header takes no more than visible ASCII of a bounded length: any other key is named by its digest. */
function headerOf(key: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/.test(key)) return key;
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}

/** The pool, and what else is given. */
type QueryOf = (more?: Readonly<Record<string, unknown>>) => URLSearchParams;

function instancesQuery(of: QueryOf, { labels = {}, ids, ...rest }: ListQuery): URLSearchParams {
  const query = of({ ...rest, ids: ids?.join(',') });
  for (const [name, value] of Object.entries(labels)) query.append('label', `${name}=${value}`);
  return query;
}

function leaseBody({ owner, token, ms, force = false }: LeaseAsked) {
  return { lease: ms, owner, token, force };
}

function toGrant({
  expiresAt,
  ...rest
}: Omit<LeaseGrant, 'expiresAt'> & { readonly expiresAt: string }): LeaseGrant {
  return { ...rest, expiresAt: Date.parse(expiresAt) };
}

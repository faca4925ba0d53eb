import { createHash, randomUUID } from 'node:crypto';
import { UsageError } from '@spica/core';
import type { AuditPage } from '@spica/queues';
import type { LeaseAsked, LeaseGrant, ReleaseAsked, RequestEnd, Transport } from '../transport.ts';
import type { PoolView, RequestView } from '../view.ts';
import type { ListQuery } from '../wire/queries.ts';
import type { ApiAddress } from './address.ts';
import { ApiClient } from './call.ts';
import { auditOf, eventsOf, type OversizeEvent, oversizeOf, watchOf } from './streams.ts';
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
    events: (id, options) =>
      eventsOf(client, { id, path: `${request(id)}/events` }, { ...options, query: of() }),
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
    oversizeFollow: ({ request, ...options }) =>
      oversizeOf(client, { ...options, query: of({ request: request ?? undefined }) }),
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

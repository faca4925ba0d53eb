import { CheckError } from '@spica/core';
import type { AuditPage, AuditRecord } from '@spica/queues';
import type { Transport } from '../transport.ts';
import type { OversizeView, PoolEvent, RequestEvent } from '../view.ts';
import type { ApiClient } from './call.ts';
import { Backoff, isAway } from './persist.ts';
import { followStream } from './stream.ts';

export type OversizeEvent = { id: string; instances: readonly OversizeView[] };

/** A request's events; one that is forgotten while somebody follows it has failed, as far as they can know. */
export async function* eventsOf(
  client: ApiClient,
  { id, path }: { readonly id: string; readonly path: string },
  { after = null, signal, query }: Parameters<Transport['events']>[1] & { readonly query: URLSearchParams },
): ReturnType<Transport['events']> & AsyncGenerator<{ id: string; event: RequestEvent }, void> {
  const isLast = (data: unknown) => LAST.includes((data as RequestEvent).phase);
  let seen = false;
  try {
    for await (const each of followStream(client, {
      path,
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
export async function* watchOf(
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
export async function* auditOf(
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
export async function* oversizeOf(
  client: ApiClient,
  {
    after = null,
    signal,
    query,
  }: Omit<Parameters<Transport['oversizeFollow']>[0], 'request'> & { readonly query: URLSearchParams },
): ReturnType<Transport['oversizeFollow']> & AsyncGenerator<OversizeEvent, void> {
  const stream = { path: '/v1/oversize', query, after, signal, isLast: () => false };
  try {
    for await (const { id, data } of followStream(client, stream)) {
      yield { id, ...(data as Omit<OversizeEvent, 'id'>) };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

import type { IncomingMessage } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { fromProblem, problemSchema } from '../problem.ts';
import type { ApiClient, Call } from './call.ts';
import { Backoff, isAway } from './persist.ts';

/** The server shows every 10 s that the connection lives. */
const SILENT_MS = 45_000;

export interface StreamEvent {
  /** Empty for one that nobody can go on after. */
  readonly id: string;
  /** Its name; empty for one without. */
  readonly event: string;
  readonly data: unknown;
}

export interface StreamOptions extends Pick<Call, 'path' | 'query'> {
  /** The `id` of the last event that was seen; null for none. */
  readonly after: string | null;
  readonly signal?: AbortSignal | undefined;
  /** Whether there is none after it. */
  readonly isLast: (data: unknown) => boolean;
}

/**
 * Events of a stream (`text/event-stream`), to the last one, each once: where the connection is cut or the server away, it
 * goes on after the last one that came. Throws the error that the server tells, and the signal's reason.
 */
export async function* followStream(
  client: ApiClient,
  { path, query, after, signal, isLast }: StreamOptions,
): AsyncGenerator<StreamEvent, void> {
  const backoff = new Backoff();
  let last = after;
  for (;;) {
    try {
      const headers = { accept: 'text/event-stream', ...(last === null ? {} : { 'last-event-id': last }) };
      const response = await client.open({ path, headers, signal, ...(query ? { query } : {}) });
      if (response.statusCode === 204) return;
      for await (const { id = '', event = '', data } of messagesOf(client, response)) {
        const value: unknown = JSON.parse(data);
        if (event === 'error') throw fromProblem(problemSchema.parse(value));
        backoff.came();
        if (id !== '') last = id;
        yield { id, event, data: value };
        if (isLast(value)) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!isAway(error) || client.isClosed) throw error;
    }
    await backoff.pause(signal);
  }
}

async function* messagesOf(client: ApiClient, response: IncomingMessage): AsyncGenerator<EventSourceMessage> {
  const parsed: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => parsed.push(message) });
  response.setEncoding('utf8').setTimeout(SILENT_MS, () => response.destroy());
  const chunks = response[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await chunks.next().catch((error: unknown) => {
        throw client.toUnreachable(error);
      });
      if (done) return;
      parser.feed(value);
      yield* parsed.splice(0);
    }
  } finally {
    response.destroy();
  }
}

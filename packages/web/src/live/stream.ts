import { createParser } from 'eventsource-parser';
import { request } from '../api/call.ts';

export interface StreamMessage {
  readonly event: string;
  readonly data: unknown;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** The server has taken the stream. */
  readonly onOpen: () => void;
  readonly onMessage: (message: StreamMessage) => void;
}

/** The server sends a comment every 10 s: a connection that is silent for longer has died without a word. */
const SILENCE_MS = 25_000;

/**
 * Reads the server's stream of a pool's changes. Resolves when it ends, or has been silent for too long. Throws ApiError
 * where it is refused. `EventSource` would hide all three: how it was refused, the heartbeats and a dead connection.
 */
export async function readStream(pool: string, { signal, onOpen, onMessage }: StreamOptions): Promise<void> {
  const silence = new AbortController();
  let timer = 0;
  const isAlive = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => silence.abort(), SILENCE_MS);
  };
  isAlive();
  const either = AbortSignal.any([signal, silence.signal]);
  try {
    const options = { query: { pool }, signal: either };
    const { body } = await request('GET', '/v1/stream', options, 'text/event-stream');
    if (!body) return;
    onOpen();
    const parser = createParser({
      onEvent: ({ event = 'message', data }) => onMessage({ event, data: JSON.parse(data) }),
    });
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      isAlive();
      parser.feed(value);
    }
  } catch (error) {
    if (!either.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}

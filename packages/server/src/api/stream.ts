import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { CheckError, UnreachableError } from '@spica/core';
import type { FastifyReply } from 'fastify';
import type { Caller } from '../listen/callers.ts';
import type { Hide } from './hide.ts';
import { problemOf } from './problem.ts';
import type { StreamEvent } from './route.ts';

/** Proxies end a connection that is silent for a minute, as a rule. */
const HEARTBEAT_MS = 10_000;
/** How soon a reader comes back, unless it knows better. */
const RETRY_MS = 2_000;
/** Each stream looks at Redis a few times in a second. */
const MOST_STREAMS = 1_000;
const MOST_OF_CALLER = 100;

/** Counts the streams that are open, and refuses more than there may be. */
export interface Streams {
  /**
   * A place for one more; call the result to give it back. Throws CheckError STREAMS_EXHAUSTED where the caller has as many
   * as one may have, UnreachableError SERVER_BUSY where the server has.
   */
  take(caller: Pick<Caller, 'name'>): () => void;
  readonly open: number;
}

export interface StreamLimits {
  readonly most?: number;
  readonly mostOfCaller?: number;
}

export function createStreams({
  most = MOST_STREAMS,
  mostOfCaller = MOST_OF_CALLER,
}: StreamLimits = {}): Streams {
  const byCaller = new Map<string, number>();
  let open = 0;
  return {
    get open() {
      return open;
    },
    take({ name }) {
      const own = byCaller.get(name) ?? 0;
      if (own >= mostOfCaller) {
        throw new CheckError(
          'STREAMS_EXHAUSTED',
          `${name} has ${own} event streams open, as many as one may have`,
        );
      }
      if (open >= most) {
        throw new UnreachableError(
          'SERVER_BUSY',
          `${open} event streams are open, as many as this server takes`,
        );
      }
      open += 1;
      byCaller.set(name, own + 1);
      return () => {
        open -= 1;
        const left = (byCaller.get(name) ?? 1) - 1;
        if (left === 0) byCaller.delete(name);
        else byCaller.set(name, left);
      };
    },
  };
}

/**
 * Writes events as they come, as `text/event-stream`, to their end or until the signal is aborted; a comment now and then
 * shows that the connection lives. What fails meanwhile is an event `error` with a problem, the last one. A reader that
 * does not keep up holds the events back, not the server's memory.
 */
export async function writeStream(
  reply: FastifyReply,
  events: AsyncIterable<StreamEvent>,
  { hide, signal }: { readonly hide: Hide; readonly signal: AbortSignal },
): Promise<void> {
  const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream', 'cache-control': 'no-store' };
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, headers as Record<string, string>);
  raw.write(`retry: ${RETRY_MS}\n\n`);
  const heartbeat = setInterval(() => {
    if (!raw.writableNeedDrain) raw.write(':\n\n');
  }, HEARTBEAT_MS);
  try {
    for await (const { id, event, data } of events) {
      if (signal.aborted) break;
      const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`;
      await write(raw, `${head}data: ${JSON.stringify(data)}\n\n`, signal);
    }
  } catch (error) {
    if (!signal.aborted) {
      reply.request.log.warn({ err: error }, 'an event stream of the HTTP API has failed');
      raw.write(`event: error\ndata: ${JSON.stringify(hide(problemOf(error)))}\n\n`);
    }
  } finally {
    clearInterval(heartbeat);
    raw.end();
  }
}

async function write(raw: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!raw.write(text)) await once(raw, 'drain', { signal });
}

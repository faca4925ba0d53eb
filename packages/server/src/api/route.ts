import type { IncomingHttpHeaders } from 'node:http';
import type { TokenRole } from '@spica/catalog';
import type { Transport } from '@spica/client/redis';
import type * as z from 'zod';
import type { Caller } from '../listen/callers.ts';
import type { Hide } from './hide.ts';

/** One call, checked: its body and query are as the route's schemas have them, and its caller has the route's role. */
export interface Call<Query = unknown, Body = unknown> {
  /** The pool that is asked, as `?pool=` names it. */
  readonly pool: Transport;
  /** What `{id}`, `{name}` or `{digest}` stands for; empty in a path without one. */
  readonly id: string;
  readonly query: Query;
  readonly body: Body;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
  /** Takes out what the caller may not see. */
  readonly hide: Hide;
  /** Aborted when the caller goes away, or the server ends. */
  readonly signal: AbortSignal;
  /** Ends the call, as if its caller had gone away. */
  readonly end: () => void;
}

/** What a call is answered with; 200 and no headers of its own unless it says so. */
export class Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** An event of a stream. `id` is what the reader names in `Last-Event-ID` to go on after it. */
export interface StreamEvent {
  readonly id?: string;
  /** Its name, where there are several kinds. */
  readonly event?: string;
  readonly data: unknown;
}

/** What a route is, for whoever serves it, and for its description. */
export interface RouteText {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `/v1/requests/{id}`. */
  readonly path: string;
  /** The least role that may call it; `anyone`: whoever reaches the server. */
  readonly role: TokenRole | 'anyone';
  /** Whether a runner may only with what is its own. */
  readonly ownOnly?: boolean;
  /** What it does, in a sentence. */
  readonly summary: string;
  readonly description?: string;
  /** Whether it is about one pool, which `?pool=` names where there are several. */
  readonly ofPool?: boolean;
  /** Headers that it reads, and what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Most bytes of its body, where it is not that of other routes. */
  readonly mostBodyBytes?: number;
  /** By status, what answers are for and how they look; null for one without a body. */
  readonly answers: Readonly<Record<number, readonly [text: string, schema: z.ZodType | null]>>;
  /** What an event's data is, where it can answer with a stream of them (`text/event-stream`). */
  readonly events?: z.ZodType;
}

export interface Route extends RouteText {
  readonly role: TokenRole;
  /** Resolves with an `Answer`, or with the body of one. */
  readonly handle?: (call: Call) => Promise<unknown>;
  /**
   * Answers with a stream of events, to those who ask for one if it has `handle` too. It resolves once it is clear that
   * there is a stream; with null where whoever asks has seen all of it.
   */
  readonly stream?: (call: Call) => Promise<AsyncIterable<StreamEvent> | null>;
}

/** Types of a route's query and body from its schemas. */
interface Typed<Q extends z.ZodType, B extends z.ZodType> {
  readonly query?: Q;
  readonly body?: B;
  readonly handle?: (call: Call<z.output<Q>, z.output<B>>) => Promise<unknown>;
  readonly stream?: (call: Call<z.output<Q>, z.output<B>>) => Promise<AsyncIterable<StreamEvent> | null>;
}

/** A route whose handlers have the types of its schemas: what they are called with has passed them. */
export function route<Q extends z.ZodType, B extends z.ZodType>(
  described: Omit<RouteText, 'query' | 'body' | 'role'> & Pick<Route, 'role'> & Typed<Q, B>,
): Route {
  return described as Route;
}

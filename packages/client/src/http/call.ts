import type { IncomingMessage, RequestOptions } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterSilence, CheckError, type SpicaError, UnreachableError } from '@spica/core';
import { fromProblem, problemSchema } from '../problem.ts';
import type { ApiAddress } from './address.ts';

/** One call of the HTTP API. */
export interface Call {
  /** @default 'GET' */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From `/v1` on, its segments encoded. */
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /**
   * How long an answer may take to begin; null for as long as whoever serves the pool works on it.
   *
   * @default 30_000
   */
  readonly answerMs?: number | null;
}

const ANSWER_MS = 30_000;
/** How often a call is made in all where the answer says to come back. */
const MOST_TRIES = 3;
/** Longer than that nobody is kept waiting: a rate limit counts minutes. */
const MOST_RETRY_AFTER_MS = 60_000;

/** Makes calls of one HTTP API. */
export class ApiClient {
  readonly where: string;
  readonly #address: ApiAddress;
  readonly #closing = new AbortController();

  constructor(address: ApiAddress) {
    this.#address = address;
    this.where = address.where;
  }

  /**
   * Resolves with the answer's JSON, which the API's description says the type of. Where the answer is 429 or 503 with a
   * `Retry-After`, the call is made again then, a few times; nothing else is. Throws the error that the API answered with,
   * UnreachableError SERVER_UNREACHABLE, CheckError ANSWER_INVALID for what is no Spica, or the signal's reason.
   */
  async call<T>(call: Call): Promise<T> {
    return (await this.exchange<T>(call)).body;
  }

  /** As `call`, with the status. */
  async exchange<T>(call: Call): Promise<{ readonly status: number; readonly body: T }> {
    const response = await this.open(call);
    const body = JSON.parse(await this.#read(response, call)) as T;
    return { status: response.statusCode ?? 0, body };
  }

  /** As `call`, for an answer that is read as it comes. */
  async open(call: Call): Promise<IncomingMessage> {
    const signal = this.#signalOf(call);
    for (let tries = 1; ; tries += 1) {
      const response = await this.#send(call, signal);
      const status = response.statusCode ?? 0;
      if (status < 300 && isOurs(response)) return response;
      const waitMs = retryAfterOf(response);
      if (waitMs === null || tries === MOST_TRIES)
        throw this.#toError(response, await this.#read(response, call));
      response.resume();
      await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** An error of a connection, in our words. */
  toUnreachable(error: unknown): UnreachableError {
    const why = reasonOf(error as NodeJS.ErrnoException);
    const message = `the HTTP API at ${this.where} is out of reach: ${why}`;
    return new UnreachableError('SERVER_UNREACHABLE', message, {}, error);
  }

  /** Whatever is under way throws. */
  close(): void {
    this.#closing.abort(new CheckError('CLIENT_CLOSED', 'this client was closed'));
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #signalOf({ signal }: Call): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
  }

  async #send(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    signal.throwIfAborted();
    const isSecure = this.#address.url.protocol === 'https:';
    const { request } = await (isSecure ? import('node:https') : import('node:http'));
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const bytes = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body));
    const sent = request({ ...this.#optionsOf(call, bytes), signal });
    const { answerMs = ANSWER_MS } = call;
    const endWaiting =
      answerMs === null ? null : afterSilence(answerMs, () => sent.destroy(new SilentError()));
    sent.once('response', resolve).once('error', reject);
    sent.end(bytes ?? undefined);
    try {
      return await promise;
    } catch (error) {
      signal.throwIfAborted();
      throw this.toUnreachable(error);
    } finally {
      endWaiting?.();
    }
  }

  #optionsOf({ method = 'GET', path, query, headers }: Call, bytes: Buffer | null): RequestOptions {
    const { url, socketPath, token } = this.#address;
    return {
      ...(socketPath === null
        ? { hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port }
        : { socketPath }),
      method,
      path: `${url.pathname.replace(/\/$/, '')}${path}${query?.size ? `?${query}` : ''}`,
      agent: false, // one that is kept and ends just then leaves open whether the call was heard
      headers: {
        host: socketPath === null ? url.host : 'localhost',
        accept: 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(bytes === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
        ...headers,
      },
    };
  }

  async #read(response: IncomingMessage, call: Call): Promise<string> {
    try {
      return await text(response);
    } catch (error) {
      this.#signalOf(call).throwIfAborted();
      throw this.toUnreachable(error);
    }
  }

  #toError(response: IncomingMessage, body: string): SpicaError {
    const problem = problemSchema.safeParse(tryJson(body));
    if (problem.success) return fromProblem(problem.data);
    const status = response.statusCode ?? 0;
    if (status >= 502 && status <= 504) {
      const message = `the HTTP API at ${this.where} is out of reach: what stands before it answered ${status}`;
      return new UnreachableError('SERVER_UNREACHABLE', message);
    }
    const message = `${this.where} answered ${status}, and not as Spica does: expected the address of its HTTP API`;
    return new CheckError('ANSWER_INVALID', message);
  }
}

/** Whether it is of a kind that the API answers with; a page of something else is not. */
function isOurs({ statusCode, headers }: IncomingMessage): boolean {
  return (
    statusCode === 204 || /^(?:application\/json|text\/event-stream)\b/.test(headers['content-type'] ?? '')
  );
}

/** Milliseconds; null where the same is not worth another try, or only after too long. */
function retryAfterOf({ statusCode, headers }: IncomingMessage): number | null {
  const after = headers['retry-after'];
  if ((statusCode !== 429 && statusCode !== 503) || after === undefined) return null;
  const ms = /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - Date.now();
  return ms <= MOST_RETRY_AFTER_MS ? Math.max(0, ms) : null; // also for what is neither: NaN
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  EACCES: 'this user may not open the socket',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no way to this network',
  ENOTFOUND: 'no such host is known',
  EAI_AGAIN: 'no such host is known for now',
};

class SilentError extends Error {
  readonly code = 'ETIMEDOUT';
}

/** No raw errno; what TLS says is a sentence. */
function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  const known = REASONS[code ?? ''];
  if (known !== undefined) return known;
  return /^(?:CERT_|DEPTH_|UNABLE_|SELF_|ERR_TLS_)/.test(code ?? '') ? message : 'the connection was cut';
}

function tryJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

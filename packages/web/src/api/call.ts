import type { Problem } from '@spica/client/wire';

/** What a call is refused or fails with, in words for the person at the page. */
export class ApiError extends Error {
  /** The HTTP status; 0 where nobody answered. */
  readonly status: number;
  /** Stable, as in the API's problems; `UNREACHABLE` where nobody answered. */
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    about: { status: number; code: string; details?: Readonly<Record<string, unknown>> },
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = about.status;
    this.code = about.code;
    this.details = about.details ?? {};
  }
}

/** What every call carries, and what the session does about it: it sets all of them. */
export const credentials: {
  csrf: string | null;
  /** The session is over. */
  onLoggedOut: () => void;
  /** Somebody has logged in anew in another tab: asks for what calls carry since. */
  renew: () => Promise<void>;
} = {
  csrf: null,
  onLoggedOut: () => undefined,
  renew: async () => undefined,
};

export type Query = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[]>
>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** GETs a path of the API. Resolves with the body of its answer. Throws ApiError; AbortError where `signal` is aborted. */
export function get<T>(path: string, options: Omit<CallOptions, 'body'> = {}): Promise<T> {
  return send<T>('GET', path, options);
}

/** The same with another method: what changes state carries the session's CSRF token. */
export async function send<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const answer = await request(method, path, options);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** The answer itself, once it is known to be a good one: for streams. Throws as `get`. */
export async function request(
  method: string,
  path: string,
  options: CallOptions,
  accept = 'application/json',
): Promise<Response> {
  try {
    return await ask(method, path, options, accept);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'CSRF_REQUIRED') throw error;
    await credentials.renew();
    return ask(method, path, options, accept);
  }
}

async function ask(
  method: string,
  path: string,
  { query, body, signal }: CallOptions,
  accept: string,
): Promise<Response> {
  const headers: Record<string, string> = { accept };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET' && credentials.csrf !== null) headers['spica-csrf'] = credentials.csrf;
  let answer: Response;
  try {
    answer = await fetch(path + queryText(query), {
      method,
      headers,
      credentials: 'same-origin',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('the server does not answer', { status: 0, code: 'UNREACHABLE' });
  }
  if (answer.ok) return answer;
  const error = await toError(answer);
  if (answer.status === 401) credentials.onLoggedOut();
  throw error;
}

/** `?a=1&b=x&b=y`; what is null, undefined or an empty text is left out. */
function queryText(query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) {
      if (each !== null && each !== undefined && each !== '') search.append(name, String(each));
    }
  }
  return search.size === 0 ? '' : `?${search}`;
}

async function toError(answer: Response): Promise<ApiError> {
  const { status } = answer;
  try {
    const { code, detail, details } = (await answer.json()) as Problem;
    return new ApiError(detail, { status, code, ...(details ? { details } : {}) });
  } catch {
    return new ApiError(`the server answered ${status}`, { status, code: 'UNKNOWN' }); // a proxy's page, say
  }
}

/** What went wrong, for a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

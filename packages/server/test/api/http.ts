import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
  /** Sent as JSON; a Buffer as it is. */
  readonly body?: unknown;
}

/** Asks a server at a URL, or at a unix socket; unlike fetch it lets one name the Host and use a socket. */
export function ask(
  at: string,
  path: string,
  { method = 'GET', headers = {}, token, body }: Ask = {},
): Promise<Reply> {
  const where: RequestOptions = at.startsWith('/')
    ? { socketPath: at }
    : { hostname: new URL(at).hostname.replace(/^\[(.*)\]$/, '$1'), port: new URL(at).port };
  const bytes = body === undefined ? null : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const call = request({
    ...where,
    path,
    method,
    agent: false,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(bytes === null
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(bytes.length) }),
      ...headers,
    },
  });
  call.on('error', reject).on('response', (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: tryJson(text) });
    });
  });
  call.end(bytes ?? undefined);
  return promise;
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

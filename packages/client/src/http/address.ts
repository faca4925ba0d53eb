import { UsageError } from '@spica/core';

/** Where an HTTP API is. */
export interface ApiAddress {
  /** For people. */
  readonly where: string;
  /** Of a unix socket; null over TCP. */
  readonly socketPath: string | null;
  /** Without a path after it: calls begin with `/v1`. */
  readonly url: URL;
  /** Sent as bearer; null for none. Never log it. */
  readonly token: string | null;
}

/** An API at a URL, which may have a path (behind a proxy). Throws UsageError CONNECT_INVALID; it quotes no password or token. */
export function atUrl(url: string, token: string | null): ApiAddress {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw invalid('url', 'expected a URL like http://host:3737');
  if (parsed.username !== '' || parsed.password !== '')
    throw invalid('url', 'expected none with a user or password in it: give `token`, or SPICA_TOKEN');
  if (token !== null && !/^[\x21-\x7e]{1,200}$/.test(token))
    throw invalid('token', 'expected what `spica token create` printed: 1 to 200 letters and digits');
  const base = new URL(parsed.pathname.replace(/\/*$/, ''), parsed);
  return { where: base.href, socketPath: null, url: base, token };
}

/** The API at the unix socket of a stack on this machine: the file's mode is what lets one in. */
export function atSocket(path: string): ApiAddress {
  return { where: path, socketPath: path, url: new URL('http://localhost'), token: null };
}

function invalid(field: string, expected: string): UsageError {
  return new UsageError('CONNECT_INVALID', `connect: ${field}: ${expected}`, { field });
}

import type { TokenRole, Tokens } from '@spica/catalog';
import { CheckError, type Clock, isLoopbackAddress, isoTime } from '@spica/core';
import { hostUser } from '@spica/queues';
import type { FastifyRequest } from 'fastify';

/** Who calls, and what they may do. */
export interface Caller {
  /** The name of a token, `user@host` on the unix socket, `loopback` for whoever showed no token. */
  readonly name: string;
  readonly role: TokenRole;
  readonly door: 'token' | 'socket' | 'loopback';
}

/** How a connection comes in. */
export interface Door {
  readonly kind: 'socket' | 'tcp';
  /** Whether only this host's users can reach the address that is listened at. */
  readonly isLoopback: boolean;
}

const BEARER = /^Bearer +([\x21-\x7e]{1,200}) *$/i;
/** What a proxy adds: whoever is behind it is not on this host. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/**
 * Finds out who calls. On the unix socket that is an operator, since the file's mode has let them in. Null for who shows no
 * token and may still look on from this host.
 * Throws CheckError UNAUTHENTICATED for a token that lets nobody in, and for none where one is needed; HOST_REFUSED.
 */
export async function findCaller(
  request: FastifyRequest,
  { door, tokens, clock }: { readonly door: Door; readonly tokens: Tokens; readonly clock: Clock },
): Promise<Caller | null> {
  if (door.kind === 'socket') return { name: hostUser(), role: 'operator', door: 'socket' };
  const header = request.headers.authorization;
  if (header === undefined) return onThisHost(request, door);
  const token = tokenIn(header);
  if (token === null) throw unauthenticated('expected Authorization: Bearer and a token');
  const found = await tokens.check(token, clock.now());
  switch (found.outcome) {
    case 'valid':
      return { name: found.name, role: found.role, door: 'token' };
    case 'expired':
      throw unauthenticated(`the token ${found.name} has expired at ${isoTime(found.expiresAt)}`);
    case 'unknown':
      throw unauthenticated('the token is not known, or was revoked');
  }
}

function tokenIn(authorization: string | undefined): string | null {
  return BEARER.exec(authorization ?? '')?.[1] ?? null;
}

/** Whether whoever was let in with a token, or without as there was none, still would be. While Redis is away they stay. */
export async function isStillLetIn(
  { headers, caller }: FastifyRequest,
  { tokens, clock }: { readonly tokens: Tokens; readonly clock: Clock },
): Promise<boolean> {
  const now = clock.now();
  try {
    if (caller?.door === 'loopback') return !(await tokens.any(now));
    const token = tokenIn(headers.authorization);
    return caller?.door !== 'token' || token === null || (await tokens.check(token, now)).outcome === 'valid';
  } catch {
    return true; // it shows at the next look, and in the stream itself
  }
}

/** Who shows no token: on this host they may look on. */
function onThisHost(request: FastifyRequest, { isLoopback }: Door): null {
  const isLocal = isLoopback && !FORWARDED.some((name) => name in request.headers);
  if (!isLocal) throw unauthenticated('expected a token (Authorization: Bearer), got none');
  const { host } = request.headers;
  if (namesThisHost(host)) return null;
  throw new CheckError(
    'HOST_REFUSED',
    `Host: expected localhost or a loopback address, got "${(host ?? '').slice(0, 80)}"`,
  );
}

export function unauthenticated(why: string): CheckError {
  return new CheckError('UNAUTHENTICATED', why, { field: 'authorization' });
}

/** Any port will do: a tunnel has one of its own. */
function namesThisHost(host: string | undefined): boolean {
  const url = `http://${host ?? ''}`;
  if (!URL.canParse(url)) return false;
  const name = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isLoopbackAddress(name);
}

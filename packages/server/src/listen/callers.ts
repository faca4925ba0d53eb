import type { Sessions, TokenRole, Tokens } from '@spica/catalog';
import { CheckError, type Clock, isLoopbackAddress, isoTime } from '@spica/core';
import { hostUser } from '@spica/queues';
import type { FastifyRequest } from 'fastify';
import { sessionIn } from './cookies.ts';

/** Who calls, and what they may do. */
export interface Caller {
  /** The name of a token; `user@host` on the unix socket and after `spica open`; `loopback` for whoever showed neither. */
  readonly name: string;
  readonly role: TokenRole;
  /** `session`: a browser that is logged in. */
  readonly door: 'token' | 'session' | 'socket' | 'loopback';
}

/** Whoever shows nothing, where nobody has to. */
export const ON_LOOPBACK: Caller = { name: 'loopback', role: 'viewer', door: 'loopback' };

/** What callers are known by. */
export interface Known {
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly clock: Clock;
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
 * token, has no session, and may still look on from this host.
 * Throws CheckError UNAUTHENTICATED for a token that lets nobody in, and for none where one is needed; HOST_REFUSED.
 */
export async function findCaller(
  request: FastifyRequest,
  { door, ...known }: Known & { readonly door: Door },
): Promise<Caller | null> {
  if (door.kind === 'socket') return { name: hostUser(), role: 'operator', door: 'socket' };
  const header = request.headers.authorization;
  if (header === undefined) return (await loggedIn(request, known)) ?? onThisHost(request, door);
  const token = tokenIn(header);
  if (token === null) throw unauthenticated('expected Authorization: Bearer and a token');
  return withToken(token, known);
}

async function loggedIn(request: FastifyRequest, { sessions, clock }: Known): Promise<Caller | null> {
  const secret = sessionIn(request);
  const session = secret === null ? null : await sessions.check(secret, clock.now());
  return session && { name: session.name, role: session.role, door: 'session' };
}

/** Whose token it is. Throws CheckError UNAUTHENTICATED. */
export async function withToken(token: string, { tokens, clock }: Known): Promise<Caller> {
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

/**
 * Whether whoever was let in with a token or a session, or without as there was no token, still would be. While Redis is
 * away they stay.
 */
export async function isStillLetIn(
  request: FastifyRequest,
  { tokens, sessions, clock }: Known,
): Promise<boolean> {
  const { headers, caller } = request;
  const now = clock.now();
  try {
    if (caller?.door === 'loopback') return !(await tokens.any(now));
    if (caller?.door === 'session') {
      const secret = sessionIn(request); // a page that nobody looks at must not keep its session for ever
      return secret !== null && (await sessions.check(secret, now, { use: false })) !== null;
    }
    const token = tokenIn(headers.authorization);
    return caller?.door !== 'token' || token === null || (await tokens.check(token, now)).outcome === 'valid';
  } catch {
    return true; // it shows at the next look, and in the stream itself
  }
}

/**
 * Whoever shows nothing may look on from this host, as long as there is no token to show.
 * Throws CheckError UNAUTHENTICATED.
 */
export async function requireCaller(caller: Caller | null, { tokens, clock }: Known): Promise<Caller> {
  if (caller) return caller;
  if (await tokens.any(clock.now()))
    throw unauthenticated('expected a token (Authorization: Bearer), got none');
  return ON_LOOPBACK;
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

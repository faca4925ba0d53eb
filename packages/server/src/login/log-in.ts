import { isoTime } from '@spica/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Known, unauthenticated, withToken } from '../listen/callers.ts';
import { isSecure, sessionCookie, sessionIn } from '../listen/cookies.ts';
import type { ServerPool } from '../pool.ts';
import type { Attempts } from './attempts.ts';

export interface LoginOptions extends Known {
  readonly attempts: Attempts;
  /** Whose audit logs say who has logged in. */
  readonly pools: readonly Pick<ServerPool, 'catalog'>[];
}

/** What lets one in: a token, or the secret of a link of `spica open`. */
export type Credentials = { readonly token: string } | { readonly link: string };

/**
 * Begins a session in the browser that calls, in place of the one that it may have. Resolves with its secret. Throws
 * CheckError UNAUTHENTICATED for what lets nobody in, RateLimitedError where too many have tried.
 */
export async function logIn(
  request: FastifyRequest,
  reply: FastifyReply,
  credentials: Credentials,
  options: LoginOptions,
): Promise<string> {
  const { attempts, sessions, clock } = options;
  attempts.require(request.ip, clock.now());
  const begun = await begin(credentials, options).catch((error: unknown) => {
    attempts.fail(request.ip, clock.now());
    throw error;
  });
  const before = sessionIn(request);
  if (before !== null) await sessions.end(before);
  const how = 'token' in credentials ? 'with its token' : 'by a link of `spica open`';
  await note(options, { name: begun.name, reason: `${begun.name} has logged in ${how}` });
  reply.header('set-cookie', sessionCookie(begun.secret, { isSecure: isSecure(request) }));
  request.log.info({ caller: begun.name, how }, 'logged in');
  return begun.secret;
}

async function begin(
  credentials: Credentials,
  known: Known,
): Promise<{ readonly name: string; readonly secret: string }> {
  const now = known.clock.now();
  if ('token' in credentials) {
    const { token } = credentials;
    const { name } = await withToken(token, known);
    return { name, secret: await known.sessions.begin({ name, token }, now) };
  }
  const opened = await known.sessions.openLink(credentials.link, now);
  if (opened) return { name: opened.name, secret: opened.session };
  throw unauthenticated('the link was opened before, or is older than a minute: run `spica open` again');
}

async function note(
  { pools, clock }: LoginOptions,
  { name, reason }: { readonly name: string; readonly reason: string },
): Promise<void> {
  const entry = { action: 'log_in', token: name, reason, at: isoTime(clock.now()), outcome: 'logged in' };
  for (const { catalog } of pools) await catalog.leaveNote(entry);
}

import { isoTime } from '@spica/core';
import { parsePayload } from '@spica/queues';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { takeJson } from '../api/body.ts';
import type { RouteText } from '../api/route.ts';
import type { Caller } from '../listen/callers.ts';
import { endedCookies, isSecure, proofOf, sessionIn } from '../listen/cookies.ts';
import { type LoginOptions, logIn } from './log-in.ts';

const caller = z.object({
  name: z.string(),
  role: z.enum(['viewer', 'runner', 'operator']),
  door: z.enum(['loopback', 'session', 'token', 'socket']),
});
const sessionSchema = z.object({
  /** Null for whoever has to log in. */
  caller: caller.nullable(),
  /** What each call that changes something has to show in the header `spica-csrf`; null without a session. */
  csrf: z.string().nullable(),
  /** When the session ends if it is not used any more. */
  expiresAt: z.string().nullable(),
  /** Whether there is a token, so that it has to be known who looks on. */
  hasTokens: z.boolean(),
  /** None as long as it is not known who calls. */
  pools: z.array(z.string()),
  version: z.string(),
});
type SessionAnswer = z.infer<typeof sessionSchema>;

const secret = z.string().min(1).max(200);
const credentialsSchema = z.union([z.strictObject({ token: secret }), z.strictObject({ link: secret })]);

const PATH = '/v1/session';
const MOST_BODY_BYTES = 10_000;

/** The calls by which browsers log in and out. */
export const sessionTexts: readonly RouteText[] = [
  {
    method: 'GET',
    path: PATH,
    role: 'anyone',
    summary: 'Who calls, and what a page needs to know of that',
    description:
      'A browser that is logged in sends its cookie with each call; one that changes something has to show `csrf` in the header `spica-csrf`, too.',
    answers: { 200: ['The session', sessionSchema] },
  },
  {
    method: 'POST',
    path: PATH,
    role: 'anyone',
    summary: 'Log a browser in, with a token or with the secret of a link of `spica open`',
    description:
      'Sets the cookie `spica-session` (HttpOnly, SameSite=Strict, over TLS Secure). It ends after eight hours without a call, after seven days, and with its token.',
    body: credentialsSchema,
    answers: { 200: ['The session', sessionSchema] },
  },
  {
    method: 'DELETE',
    path: PATH,
    role: 'anyone',
    summary: 'Log out',
    answers: { 204: ['There is no session any more', null] },
  },
];

export interface SessionOptions extends LoginOptions {
  readonly version: string;
  readonly poolNames: readonly string[];
}

/** Serves `/v1/session`. */
export async function addSession(app: FastifyInstance, options: SessionOptions): Promise<void> {
  const { sessions, clock } = options;
  const config = { access: 'login' } as const;
  await app.register(async (scope) => {
    takeJson(scope, MOST_BODY_BYTES);
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store').header('spica-version', options.version);
    });
    scope.get(PATH, { config }, (request) => {
      const isLoggedIn = request.caller?.door === 'session';
      return answer(request.caller, isLoggedIn ? sessionIn(request) : null, options);
    });
    scope.post(PATH, { config }, async (request, reply) => {
      const credentials = parsePayload(credentialsSchema, request.body ?? {}, 'body');
      const begun = await logIn(request, reply, credentials, options);
      return answer(null, begun, options);
    });
    scope.delete(PATH, { config }, async (request, reply) => {
      await endSession(request, options);
      return reply
        .header('set-cookie', endedCookies({ isSecure: isSecure(request) }))
        .code(204)
        .send();
    });
  });
  async function answer(
    known: Caller | null,
    session: string | null,
    to: SessionOptions,
  ): Promise<SessionAnswer> {
    const now = clock.now();
    const [found, hasTokens] = await Promise.all([
      session === null ? null : sessions.check(session, now),
      to.tokens.any(now),
    ]);
    const loggedIn: Caller | null = found && { name: found.name, role: found.role, door: 'session' };
    const who = loggedIn ?? known;
    return {
      caller: who,
      csrf: session !== null && found ? proofOf(session) : null,
      expiresAt: found && isoTime(found.expiresAt),
      hasTokens,
      pools: who === null ? [] : [...to.poolNames],
      version: to.version,
    };
  }
}

async function endSession(request: FastifyRequest, { sessions }: SessionOptions): Promise<void> {
  const session = sessionIn(request);
  if (session !== null) await sessions.end(session);
}

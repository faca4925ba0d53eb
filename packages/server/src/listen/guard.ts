import type { TokenRole, Tokens } from '@spica/catalog';
import { CheckError, type Clock } from '@spica/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from '../api/problem.ts';
import { mayCall } from '../api/roles.ts';
import { type Caller, type Door, findCaller } from './callers.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; null for whoever showed no token, and where nobody asks who it is. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** What everybody may read who reaches the server. */
    open?: boolean;
    /** A call of the HTTP API, which sees to roles by itself. */
    api?: boolean;
  }
}

const HEADERS = {
  /** The board's page asks a font server on the internet for its letters; what runs on a private host is nobody's business. */
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};
const OVER_TLS = { 'strict-transport-security': 'max-age=31536000' };

const SAFE_METHODS = ['GET', 'HEAD'];

export interface GuardOptions {
  readonly door: Door;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly overTls: boolean;
}

/**
 * Stands before everything that is served: finds out who calls, and keeps out what a browser on this host could be led to
 * do. A page of another site may point a name of its own at 127.0.0.1 and then read from here as from its own server (DNS
 * rebinding): who shows no token is answered only under this host's own names. Pages only show; with a token the board is
 * an operator's, as it shows what requests hold.
 */
export function guard(app: FastifyInstance, { door, tokens, clock, overTls }: GuardOptions): void {
  const headers = overTls ? { ...HEADERS, ...OVER_TLS } : HEADERS;
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers).header('request-id', request.id);
    const { open, api } = request.routeOptions.config;
    if (open) return;
    try {
      request.caller = await findCaller(request, { door, tokens, clock });
      if (!api) requirePage(request, reply);
    } catch (error) {
      return sendProblem(request, reply, error); // the board has an error handler of its own
    }
  });
}

/** Pages only show. Of this host's users who show no token everybody may look on. */
function requirePage({ caller, url, method }: FastifyRequest, reply: FastifyReply): void {
  if (!SAFE_METHODS.includes(method)) {
    if (url.startsWith('/v1/')) return; // no page: whoever answers for the API says what there is
    reply.header('allow', SAFE_METHODS.join(', '));
    const message = `${method}: the dashboard only shows; to change something, use the spica command or the HTTP API`;
    throw new CheckError('READ_ONLY', message);
  }
  const needed: TokenRole = url.startsWith('/queues') ? 'operator' : 'viewer';
  if (caller === null || mayCall(caller.role, needed)) return;
  throw new CheckError(
    'FORBIDDEN',
    `this page needs the role ${needed}; ${caller.name} has the role ${caller.role}`,
  );
}

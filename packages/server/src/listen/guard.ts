import type { TokenRole } from '@spica/catalog';
import { CheckError, SpicaError } from '@spica/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problemOf, sendProblem } from '../api/problem.ts';
import { mayCall, sayRole } from '../api/roles.ts';
import { acceptsHtml } from '../html.ts';
import { type Caller, type Door, findCaller, type Known, ON_LOOPBACK, requireCaller } from './callers.ts';
import { sessionIn } from './cookies.ts';
import { isSafe, requireProof, requireSameOrigin } from './cross-site.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; null for whoever showed nothing, and where nobody asks who it is. */
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /**
     * `open`: what everybody may read who reaches the server. `login`: the way in: whoever calls need not be known yet. `api`:
     * a call of the HTTP API, which sees to roles by itself. `page`: what a browser shows, to whoever may look on. By default
     * it is a page for programs (`/metrics`), which this host's users may read without a token in any case.
     */
    access?: 'open' | 'login' | 'api' | 'page';
    /** The least role for what changes something; without one, nothing does. */
    changes?: TokenRole;
  }
}

/** No script but ours, no style in the text of a page, nothing from elsewhere, and in no frame. */
const STRICT =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const HEADERS = {
  'content-security-policy': STRICT,
  'x-content-type-options': 'nosniff',
  // Stricter, and browsers would not say which of our pages sends a form (Origin: null).
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};
const OVER_TLS = { 'strict-transport-security': 'max-age=31536000' };

/** What every answer says of itself, whatever it answers. */
export function addHeaders(request: FastifyRequest, reply: FastifyReply, overTls: boolean): void {
  reply.headers(overTls ? { ...HEADERS, ...OVER_TLS } : HEADERS).header('request-id', request.id);
}

/** Whoever asks for a page while Redis is out of reach: they get what is no secret of it, and are told. */
export const UNCHECKED: Caller = { ...ON_LOOPBACK };

export interface GuardOptions extends Known {
  readonly door: Door;
  readonly overTls: boolean;
}

/**
 * Stands before everything that is served: finds out who calls, and keeps out what a browser on this host could be led to
 * do. A page of another site may point a name of its own at 127.0.0.1 and then read from here as from its own server (DNS
 * rebinding): who shows nothing is answered only under this host's own names. A browser sends the session's cookie whoever
 * has it call, so what changes something has to come from our own pages, and show the session's proof.
 */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  app.decorateRequest('caller', null);
  app.addHook('onRequest', async (request, reply) => {
    addHeaders(request, reply, options.overTls);
    const { access } = request.routeOptions.config;
    if (access === 'open') return;
    try {
      await letIn(request, reply, options);
    } catch (error) {
      if (isForLogin(request, error))
        return reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);
      return sendProblem(request, reply, error); // the board has an error handler of its own
    }
  });
}

async function letIn(request: FastifyRequest, reply: FastifyReply, options: GuardOptions): Promise<void> {
  const { access } = request.routeOptions.config;
  const isChange = !isSafe(request.method);
  if (isChange && access === 'login') requireSameOrigin(request); // else one could be logged in as somebody else
  request.caller = await callerOf(request, options);
  if (isChange && request.caller?.door === 'session') {
    requireSameOrigin(request);
    requireProof(request, sessionIn(request) ?? '');
  }
  if (access === 'api' || access === 'login') return;
  if (isChange) requireChange(request, reply);
}

/** Where one can log in, nobody has to be known yet; what a browser shows is for nobody who shows nothing where others do. */
async function callerOf(request: FastifyRequest, options: GuardOptions): Promise<Caller | null> {
  const { access } = request.routeOptions.config;
  try {
    const caller = await findCaller(request, options);
    return access === 'page' || access === 'login' ? await requireCaller(caller, options) : caller;
  } catch (error) {
    if (access === 'login' && isUnauthenticated(error)) return null;
    if (access === 'page' && isSafe(request.method) && problemOf(error).status === 503) return UNCHECKED;
    throw error;
  }
}

/** Pages only show, but for the board, whose actions are for those of a role. */
function requireChange({ caller, url, method, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  const { changes } = routeOptions.config;
  if (url.startsWith('/v1/')) return; // there is no such call, which is said then
  if (changes === undefined) {
    reply.header('allow', 'GET, HEAD');
    const message = `${method}: this page only shows; to change something, use the spica command or the HTTP API`;
    throw new CheckError('READ_ONLY', message);
  }
  if (caller !== null && mayCall(caller.role, changes)) return;
  throw new CheckError(
    'FORBIDDEN',
    sayRole(`${method} ${url.split('?')[0]}`, changes, caller ?? ON_LOOPBACK),
  );
}

/** A person who is not logged in: the problem would tell them nothing that the form does not. */
function isForLogin(request: FastifyRequest, error: unknown): boolean {
  const { access } = request.routeOptions.config;
  return isUnauthenticated(error) && isSafe(request.method) && access === 'page' && acceptsHtml(request);
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof SpicaError && error.code === 'UNAUTHENTICATED';
}

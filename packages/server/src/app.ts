import { randomBytes } from 'node:crypto';
import { CheckError } from '@spica/core';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Logger } from 'pino';
import { sendProblem } from './api/problem.ts';
import { acceptsHtml, sendHtml } from './html.ts';
import { addHeaders, type GuardOptions, guard } from './listen/guard.ts';
import type { TlsMaterial } from './listen/tls.ts';

export type App = FastifyInstance;

/** How long a client may take to send a whole request; one that drips is cut off. */
const REQUEST_MS = 30_000;
const HEADERS_MS = 10_000;
const CHECK_EVERY_MS = 2_000;
/** How long what was begun may take when the server ends. */
const GRACE_MS = 5_000;

export interface AppOptions extends Omit<GuardOptions, 'overTls'> {
  readonly logger: Logger;
  readonly tls: TlsMaterial | null;
}

/** A server that nothing is served by yet: it knows its callers, gives each request an id, and says what went wrong. */
export function createApp({ logger, tls, ...callers }: AppOptions): App {
  const loggerInstance: FastifyBaseLogger = logger.child({ component: 'server' });
  const sockets = { headersTimeout: HEADERS_MS, connectionsCheckingInterval: CHECK_EVERY_MS };
  const overTls = tls !== null;
  const app = Fastify({
    loggerInstance,
    // An open board asks every few seconds: single requests would bury what else the log says.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomBytes(8).toString('hex'),
    requestTimeout: REQUEST_MS,
    forceCloseConnections: 'idle',
    // A URL that leads to no route passes by the guard, and by the error handler.
    frameworkErrors(error, request, reply) {
      addHeaders(request, reply, overTls);
      void sendProblem(request, reply, error);
    },
    ...(tls ? { https: { ...sockets, ...tls } } : { http: sockets }),
  }) as unknown as App; // how it is reached makes no difference to what is served
  guard(app, { ...callers, overTls });
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, error));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]?.slice(0, 200) ?? '';
    if (isBrowser(request)) return sendHtml(reply.code(404), NO_PAGE, '');
    const message = `there is no ${request.method} ${path}: /docs shows the HTTP API`;
    return sendProblem(request, reply, new CheckError('ROUTE_UNKNOWN', message));
  });
  return app;
}

const NO_PAGE =
  '<!doctype html><title>Spica</title><h1>There is no such page</h1><p><a href="/">The overview</a></p>';

/** Whether somebody looks for a page, and no program for a call. */
function isBrowser(request: FastifyRequest): boolean {
  return request.method === 'GET' && !request.url.startsWith('/v1') && acceptsHtml(request);
}

/** Ends a server: takes nothing new, and gives what was begun a few seconds. */
export async function endApp(app: App): Promise<void> {
  const force = setTimeout(() => app.server.closeAllConnections(), GRACE_MS);
  await app.close();
  clearTimeout(force);
}

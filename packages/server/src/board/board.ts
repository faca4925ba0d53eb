import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import type { Clock } from '@spica/core';
import type { FastifyInstance } from 'fastify';
import type { Hide } from '../api/hide.ts';
import { type Caller, ON_LOOPBACK } from '../listen/callers.ts';
import { boardCookie, isSecure, sessionIn } from '../listen/cookies.ts';
import { UNCHECKED } from '../listen/guard.ts';
import type { ServerPool } from '../pool.ts';
import type { Probe } from '../probe.ts';
import { actAs, addActions } from './act.ts';
import { adaptQueues } from './queues.ts';
import { createShown } from './shown.ts';

const PATH = '/queues';

/** Where the pages are that Bull Board serves. It would look for them beside itself, and a bundle holds it elsewhere. */
const UI_FILES = dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json'));

/** Jobs of one state in one answer, at most: as many as the board's own page lets one choose. */
const MOST_JOBS_PER_PAGE = 300;

/** Its page has styles in its text, names a base, and asks a font server on the internet for letters, which it does without. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "font-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'none'";

export interface BoardOptions {
  readonly pools: readonly ServerPool[];
  readonly probe: Probe;
  readonly clock: Clock;
  readonly hideFrom: (caller: Caller) => Hide;
}

/**
 * Bull Board at `/queues`: for everybody who may look on to look at, without what is not theirs to see; for operators with
 * its actions. Its calls answer 503 with the reason while Redis is out of reach.
 */
export async function addBoard(
  app: FastifyInstance,
  { pools, probe, clock, hideFrom }: BoardOptions,
): Promise<void> {
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(PATH);
  const toLookAt = new Map(adaptQueues(pools, { clock, acts: false }).map((each) => [each.getName(), each]));
  createBullBoard({
    queues: adaptQueues(pools, { clock, acts: true }),
    serverAdapter,
    options: {
      uiBasePath: UI_FILES,
      uiConfig: UI,
      handlerHooks: {
        before({ request }) {
          if (actAs().role !== 'operator') request.queues = toLookAt;
        },
      },
    },
  });
  const shown = createShown(hideFrom);
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'page', changes: 'operator' };
    });
    scope.addHook('onRequest', async (request, reply) => {
      reply.header('content-security-policy', POLICY);
      const session = request.caller?.door === 'session' ? sessionIn(request) : null;
      const isPage = !/^\/queues\/(?:api|static)\//.test(request.url);
      if (session !== null && isPage)
        reply.header('set-cookie', boardCookie(session, { isSecure: isSecure(request) }));
      if (!request.url.startsWith(`${PATH}/api/`)) return;
      reply.header('cache-control', 'no-store');
      const isUnchecked = request.caller === UNCHECKED;
      const problem = (await probe()) ?? (isUnchecked ? 'Redis was out of reach: ask again' : null);
      if (problem !== null) return reply.code(503).send({ error: problem });
    });
    scope.addHook('preHandler', async (request) => boundPage(request.query as Record<string, unknown>));
    scope.addHook('preSerialization', async (request, _reply, body) => {
      return shown(request.caller ?? ON_LOOPBACK, body);
    });
    addActions(scope, { pools, clock, path: PATH });
    await scope.register(serverAdapter.registerPlugin(), { prefix: PATH });
  });
}

/** Each job of an answer is read, and held in memory, at once. */
function boundPage(query: Record<string, unknown>): void {
  if (Number(query['jobsPerPage']) > MOST_JOBS_PER_PAGE) query['jobsPerPage'] = String(MOST_JOBS_PER_PAGE);
}

const UI = {
  boardTitle: 'Spica',
  hideDocsLink: true,
  sortQueues: false, // as the pools and their queues come: in the order in which a request meets them
  showMetrics: true,
  overview: { groupByDelimiter: true },
  miscLinks: [
    { text: 'Page', url: '/' },
    { text: 'HTTP API', url: '/docs' },
    { text: 'Health', url: '/healthz' },
    { text: 'Metrics', url: '/metrics' },
  ],
};

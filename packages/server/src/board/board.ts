import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { createBullBoard } from '@bull-board/api';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance } from 'fastify';
import type { ServerPool } from '../pool.ts';
import type { Probe } from '../probe.ts';
import { adaptQueues } from './queues.ts';

const PATH = '/queues';

/** Where the pages are that Bull Board serves. It would look for them beside itself, and a bundle holds it elsewhere. */
const UI_FILES = dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json'));

/** Bull Board at `/queues`, to look at. Its calls answer 503 with the reason while Redis is out of reach. */
export async function addBoard(
  app: FastifyInstance,
  { pools, probe }: { pools: readonly ServerPool[]; probe: Probe },
): Promise<void> {
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(PATH);
  createBullBoard({
    queues: adaptQueues(pools),
    serverAdapter,
    options: { uiBasePath: UI_FILES, uiConfig: UI },
  });
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (request, reply) => {
      if (!request.url.startsWith(`${PATH}/api/`)) return;
      const problem = await probe();
      if (problem !== null) return reply.code(503).send({ error: problem });
    });
    await scope.register(serverAdapter.registerPlugin(), { prefix: PATH });
  });
  app.get('/', (_request, reply) => reply.redirect(PATH));
}

const UI = {
  boardTitle: 'Spica',
  hideDocsLink: true,
  sortQueues: false, // as the pools and their queues come: in the order in which a request meets them
  overview: { groupByDelimiter: true },
  miscLinks: [
    { text: 'Health', url: '/healthz' },
    { text: 'Metrics', url: '/metrics' },
  ],
};

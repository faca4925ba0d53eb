import type { FastifyInstance } from 'fastify';
import { describeApi } from './openapi.ts';
import { renderPage } from './page.ts';
import type { RouteText } from './route.ts';

/** `/v1/openapi.json`, and a page of it at `/docs`. They tell nothing of this installation, so everybody may read them. */
export function addApiPages(app: FastifyInstance, routes: readonly RouteText[], version: string): void {
  app.get('/v1/openapi.json', { config: { open: true } }, () => describeApi(routes, version));
  app.get('/docs', { config: { open: true } }, (_request, reply) => {
    return reply.type('text/html; charset=utf-8').send(renderPage(describeApi(routes, version)));
  });
}

import type { FastifyInstance } from 'fastify';
import { sendHtml } from '../html.ts';
import { describeApi } from './openapi.ts';
import { renderPage, STYLE } from './page.ts';
import type { RouteText } from './route.ts';

/** `/v1/openapi.json`, and a page of it at `/docs`. They tell nothing of this installation, so everybody may read them. */
export function addApiPages(app: FastifyInstance, routes: readonly RouteText[], version: string): void {
  const config = { access: 'open' } as const;
  app.get('/v1/openapi.json', { config }, () => describeApi(routes, version));
  app.get('/docs', { config }, (_request, reply) => {
    return sendHtml(reply, renderPage(describeApi(routes, version)), STYLE);
  });
}

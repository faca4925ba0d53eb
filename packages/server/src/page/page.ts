import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import serveFiles from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { sendHtml } from '../html.ts';

/** Where the built page may be: of a checkout, or beside the bundle's modules. */
const PLACES = ['../../../web/dist', '../web'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** What the page shows by itself, each with whatever follows. */
const PATHS = ['/instances', '/requests', '/prune', '/audit', '/pools'];

/** Their names have a hash of their content, so what was fetched once never changes. */
const ASSETS = { immutable: true, maxAge: '365d' };

/**
 * The operator's page at `/`, and at the paths that it has for its views. Its files were compressed when it was built. Where
 * it was not, a line says how.
 *
 * @param dir Directory of the built page; by default where this installation has it.
 */
export async function addPage(app: FastifyInstance, dir?: string): Promise<void> {
  const root = findPage(dir === undefined ? PLACES : [dir]);
  await app.register(async (scope) => {
    scope.addHook('onRoute', (route) => {
      // What the files say is no secret: what they show is asked for, by whoever looks.
      route.config = { ...route.config, access: route.url.startsWith('/assets/') ? 'open' : 'page' };
    });
    if (root !== null) {
      await scope.register(serveFiles, {
        root: join(root, 'assets'),
        prefix: '/assets/',
        preCompressed: true,
        index: false,
        ...ASSETS,
      });
    }
    const show = (reply: FastifyReply) => (root === null ? sendUnbuilt(reply) : sendPage(reply, root));
    for (const path of ['/', ...PATHS.flatMap((each) => [each, `${each}/*`])])
      scope.get(path, (_request, reply) => show(reply));
  });
}

function findPage(places: readonly string[]): string | null {
  return places.find((place) => existsSync(join(place, 'index.html'))) ?? null;
}

function sendPage(reply: FastifyReply, root: string): FastifyReply {
  return reply.header('cache-control', 'no-cache').sendFile('index.html', root, { cacheControl: false });
}

function sendUnbuilt(reply: FastifyReply): FastifyReply {
  const html =
    '<!doctype html><title>Spica</title><p>The page is not built: run <code>npm run setup</code> in the checkout, ' +
    'then start this server again. Until then: <a href="/queues">the queues</a>, <a href="/docs">the HTTP API</a>.</p>';
  return sendHtml(reply, html, '');
}

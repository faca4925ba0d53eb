import { LINK_MS } from '@spica/catalog';
import { isoTime, SpicaError, UsageError } from '@spica/core';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { problemOf } from '../api/problem.ts';
import { escapeHtml, sendHtml } from '../html.ts';
import type { Known } from '../listen/callers.ts';
import { type LoginOptions, logIn } from './log-in.ts';

const askedSchema = z.strictObject({
  /** `user@host` of whoever asks: no token has such a name. */
  by: z
    .string()
    .max(200)
    .regex(/^[^\p{Cc}]*@[^\p{Cc}]*$/u),
});

/** What `spica open` is told. */
export interface OpenLink {
  readonly url: string;
  readonly expiresAt: string;
}

/**
 * `POST /open`, on the unix socket alone: a link that logs the browser of whoever opens it first in as an operator, once and
 * within a minute. It is no part of the HTTP API: `spica open` asks for it.
 *
 * @param place Where the pages are: `http://127.0.0.1:3737`.
 */
export function addLinks(app: FastifyInstance, { sessions, clock }: Known, place: () => string): void {
  app.post('/open', { config: { access: 'api' } }, async (request): Promise<OpenLink> => {
    const asked = askedSchema.safeParse(request.body);
    if (!asked.success) throw new UsageError('PAYLOAD_INVALID', 'body: expected what `spica open` sends');
    const secret = await sessions.makeLink(asked.data.by);
    return { url: `${place()}/open/${secret}`, expiresAt: isoTime(clock.now() + LINK_MS) };
  });
}

/** `GET /open/SECRET`: logs in, and goes on to the page. A second time it says that it was opened before. */
export function addOpenedLinks(app: FastifyInstance, options: LoginOptions): void {
  const config = { access: 'login' } as const;
  // HEAD is asked by who only looks at links; it must not use one up.
  app.get('/open/:link', { config, exposeHeadRoute: false }, async (request, reply) => {
    const { link } = request.params as { link: string };
    reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer');
    try {
      await logIn(request, reply, { link }, options);
    } catch (error) {
      if (!(error instanceof SpicaError)) throw error;
      const { status, detail } = problemOf(error);
      return sendHtml(
        reply.code(status),
        `<!doctype html><title>Spica</title><p>${escapeHtml(detail)}</p>`,
        '',
      );
    }
    // By a page of our own: after a link that another program or page opened, a browser would send no cookie along.
    return sendHtml(
      reply,
      '<!doctype html><meta http-equiv="refresh" content="0;url=/"><a href="/">Spica</a>',
      '',
    );
  });
}

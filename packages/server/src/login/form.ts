import { SpicaError } from '@spica/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from '../api/problem.ts';
import { escapeHtml, sendHtml } from '../html.ts';
import type { LoginOptions } from './log-in.ts';
import { logIn } from './log-in.ts';

const PATH = '/login';
const MOST_BODY_BYTES = 10_000;
const MOST_TOKEN_LENGTH = 200;

/** `/login`: a form without a script, for pages that need to know who looks on. */
export async function addLoginForm(app: FastifyInstance, options: LoginOptions): Promise<void> {
  const config = { access: 'login' } as const;
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: MOST_BODY_BYTES },
      async (_request: FastifyRequest, text: string) => new URLSearchParams(text),
    );
    scope.get(PATH, { config }, async (request, reply) => {
      const { next } = request.query as { next?: unknown };
      const hasTokens = await options.tokens.any(options.clock.now());
      return show(reply, { next: placeAfter(next), hasTokens, problem: null });
    });
    scope.post(PATH, { config }, async (request, reply) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const next = placeAfter(form.get('next'));
      const token = (form.get('token') ?? '').trim().slice(0, MOST_TOKEN_LENGTH);
      try {
        await logIn(request, reply, { token }, options);
      } catch (error) {
        if (!(error instanceof SpicaError)) throw error;
        const { status, detail } = problemOf(error);
        return show(reply.code(status), { next, hasTokens: true, problem: detail });
      }
      return reply.redirect(next, 303);
    });
  });
}

/** Where to go on: a place of this server, whatever was asked for. */
function placeAfter(next: unknown): string {
  if (typeof next !== 'string' || next.length > 2_000) return '/';
  const here = 'http://here';
  if (!next.startsWith('/') || !URL.canParse(next, here)) return '/';
  const { origin, pathname, search, hash } = new URL(next, here);
  const place = `${pathname}${search}${hash}`;
  return origin === here && !place.startsWith('//') ? place : '/';
}

interface Form {
  readonly next: string;
  readonly hasTokens: boolean;
  readonly problem: string | null;
}

function show(reply: FastifyReply, { next, hasTokens, problem }: Form): FastifyReply {
  const why = problem === null ? '' : `<p role="alert">${escapeHtml(problem)}</p>`;
  const none = hasTokens
    ? ''
    : '<p>There is no token yet. On this machine, <code>spica open</code> logs you in; for others, <code>spica token create</code> makes one.</p>';
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spica: log in</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Spica</h1>
${why}${none}<form method="post" action="${PATH}">
<input type="hidden" name="next" value="${escapeHtml(next)}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" maxlength="${MOST_TOKEN_LENGTH}" required autofocus>
<button>Log in</button>
</form>
<p class="hint">On the machine that Spica runs on, <code>spica open</code> needs no token.</p>
</main>
</body>
</html>
`;
  return sendHtml(reply.header('cache-control', 'no-store'), html, STYLE);
}

const STYLE = `:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh;background:Canvas;color:CanvasText}
main{width:min(22rem,calc(100vw - 2rem))}label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}
input{margin:.3rem 0 1rem;padding:.5rem}button{padding:.5rem;cursor:pointer}[role=alert]{border-left:4px solid #c22;padding-left:.7rem}
.hint{font-size:.9rem;opacity:.8}code{font:.95em ui-monospace,monospace}`;

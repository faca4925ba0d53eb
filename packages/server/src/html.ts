import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** Whether a page is asked for, as browsers do, and not what a program reads. */
export function acceptsHtml({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '');
}

/** Answers with a page of our own that has this style in its text, and runs nothing. */
export function sendHtml(reply: FastifyReply, html: string, style: string): FastifyReply {
  const hash = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'`;
  return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(html);
}

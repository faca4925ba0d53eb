import { timingSafeEqual } from 'node:crypto';
import { CheckError } from '@spica/core';
import type { FastifyRequest } from 'fastify';
import { proofOf } from './cookies.ts';

const SAFE_METHODS = ['GET', 'HEAD'];

export function isSafe(method: string): boolean {
  return SAFE_METHODS.includes(method);
}

/**
 * Keeps out what another page has a browser send: another site's, and that of another port of this host, which shares its
 * cookies. A browser says where a call comes from; who is none says nothing, and passes.
 * Throws CheckError ORIGIN_REFUSED.
 */
export function requireSameOrigin({ headers, method, url }: FastifyRequest): void {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) {
    if (site === 'same-origin') return;
    throw refused(method, url, `a page of another origin (Sec-Fetch-Site: ${String(site).slice(0, 40)})`);
  }
  const { origin } = headers; // over plain HTTP from another machine browsers say no more
  if (origin === undefined) return;
  const hosts = [headers.host, headers['x-forwarded-host']];
  if (URL.canParse(origin) && hosts.includes(new URL(origin).host)) return;
  throw refused(method, url, `a page of ${origin.slice(0, 80)}`);
}

function refused(method: string, url: string, by: string): CheckError {
  const message = `${method} ${url.split('?')[0]?.slice(0, 200)}: it was sent by ${by}: only Spica's own pages may`;
  return new CheckError('ORIGIN_REFUSED', message);
}

/**
 * A call that comes in by a session's cookie has to show the session's proof too, which only our own pages can read.
 * Throws CheckError CSRF_REQUIRED.
 */
export function requireProof({ headers }: FastifyRequest, secret: string): void {
  const shown = headers['spica-csrf'] ?? headers['x-xsrf-token'];
  const expected = Buffer.from(proofOf(secret));
  const got = Buffer.from(typeof shown === 'string' ? shown : '');
  if (got.length === expected.length && timingSafeEqual(got, expected)) return;
  const message =
    'spica-csrf: expected the `csrf` of GET /v1/session, as each call of a browser that changes something has it';
  throw new CheckError('CSRF_REQUIRED', message, { field: 'spica-csrf' });
}

import { createHash } from 'node:crypto';
import { SESSION_LONGEST_MS } from '@spica/catalog';
import type { FastifyRequest } from 'fastify';

/** Holds the session's secret. No script reads it, and no page of another site has it sent along. */
const SESSION = 'spica-session';
/** Holds the proof of a session for the board, whose page reads it (as axios does) and sends it back as a header. */
const BOARD_PROOF = 'XSRF-TOKEN';
const BOARD_PATH = '/queues';

const SECRET = /^[0-9a-f]{64}$/;

/** The secret of the session that a browser shows; null for none, and for what cannot be one. */
export function sessionIn({ headers }: FastifyRequest): string | null {
  const values = (headers.cookie ?? '')
    .split(';')
    .map((each) => each.trim())
    .filter((each) => each.startsWith(`${SESSION}=`))
    .map((each) => each.slice(SESSION.length + 1));
  const [secret, ...others] = values;
  return secret !== undefined && others.length === 0 && SECRET.test(secret) ? secret : null;
}

/**
 * What a page has to show with each call that changes something. It follows from the session's secret, which the page
 * itself does not have, and tells nothing of it.
 */
export function proofOf(secret: string): string {
  return createHash('sha256').update(`spica-csrf:${secret}`).digest('hex');
}

/** `Set-Cookie` for a session that begins. */
export function sessionCookie(secret: string, { isSecure }: { readonly isSecure: boolean }): string {
  const maxAge = Math.floor(SESSION_LONGEST_MS / 1_000);
  return cookie(`${SESSION}=${secret}; HttpOnly; Path=/; Max-Age=${maxAge}`, isSecure);
}

/** `Set-Cookie` for what a session leaves in a browser: nothing. */
export function endedCookies({ isSecure }: { readonly isSecure: boolean }): string[] {
  return [
    cookie(`${SESSION}=; HttpOnly; Path=/; Max-Age=0`, isSecure),
    cookie(`${BOARD_PROOF}=; Path=${BOARD_PATH}; Max-Age=0`, isSecure),
  ];
}

/** `Set-Cookie` for the board's page of whoever is logged in. */
export function boardCookie(secret: string, { isSecure }: { readonly isSecure: boolean }): string {
  return cookie(`${BOARD_PROOF}=${proofOf(secret)}; Path=${BOARD_PATH}`, isSecure);
}

function cookie(text: string, isSecure: boolean): string {
  return `${text}; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}

/** Whether the browser is reached over TLS, ours or a proxy's. Whoever pretends that only keeps a cookie from himself. */
export function isSecure(request: FastifyRequest): boolean {
  return request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
}

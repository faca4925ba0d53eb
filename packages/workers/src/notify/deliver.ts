import { type Message, type NotifyFormat, redactUrl, signBody, toWire } from '@spica/core';

/** Where messages go, with its secrets read. */
export interface Receiver {
  readonly url: string;
  readonly format: NotifyFormat;
  readonly secret: string | null;
}

/** How one try went. `permanent`: another would go the same way. */
export type Delivery =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly permanent: boolean;
      /** How long the receiver asks to wait, in milliseconds; null where it does not say. */
      readonly retryAfterMs: number | null;
    };

const ANSWER_MS = 10_000;
/** The receiver is busy, or slow: these are no refusals. */
const TEMPORARY = [408, 425, 429];

/**
 * Posts a message once; never throws. A redirect is not followed, since what is signed is for one place, and TLS is
 * verified. What is said of a failure shows no more of the URL than its host.
 */
export async function deliver(receiver: Receiver, message: Message, at: number): Promise<Delivery> {
  const { url, format, secret } = receiver;
  const { body, headers } = toWire(message, format);
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        ...headers,
        'user-agent': 'spica',
        'spica-event': message.event,
        'spica-delivery': message.id,
        ...(secret === null ? {} : { 'spica-signature': signBody(body, secret, at) }),
      },
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await response.body?.cancel();
    if (response.ok) return { ok: true };
    const { status } = response;
    const permanent = status < 500 && !TEMPORARY.includes(status);
    return failed(receiver, `answered ${status}`, { permanent, retryAfterMs: retryAfter(response.headers) });
  } catch (error) {
    return failed(receiver, reasonOf(error), { permanent: false, retryAfterMs: null });
  }
}

function failed(
  { url }: Receiver,
  why: string,
  more: { readonly permanent: boolean; readonly retryAfterMs: number | null },
): Delivery {
  return { ok: false, reason: `${redactUrl(url)} ${why}`, ...more };
}

/** `fetch` says no more than that it failed; its cause says why. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && cause.name === 'TimeoutError')
    return `did not answer within ${ANSWER_MS / 1_000} s`;
  const { code } = cause as NodeJS.ErrnoException;
  return `is out of reach (${code ?? (cause instanceof Error ? cause.name : 'unknown')})`;
}

function retryAfter(headers: Headers): number | null {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}

import { countOf, formatDuration, heldTooLongMs } from '@spica/core';
import type { ServedContext } from '../context.ts';
import { tellDeparting } from './departing.ts';

const HELD_EVERY_MS = 5_000;
/** All instances that go within a day may have to be read. */
const DEPARTING_EVERY_MS = 10 * 60_000;
/** The first time when the start is over. */
const DEPARTING_FIRST_MS = 60_000;

/**
 * Looks for what nothing else notices: requests that wait for too long, and instances that go within a day (only where
 * somebody is to be told). Call the result to end it.
 */
export function watchForNotices(ctx: ServedContext): () => void {
  let told = 0;
  const held = setInterval(() => {
    told = noticeHeld(ctx, told);
  }, HELD_EVERY_MS).unref();
  let closed = false;
  const departIn = (ms: number): NodeJS.Timeout =>
    setTimeout(async () => {
      const isWanted = ctx.config.notify.some(({ on }) => on.includes('deletes_soon'));
      await (isWanted ? tellDeparting(ctx) : Promise.resolve()).catch((error: unknown) => {
        ctx.logger.warn({ err: error }, 'which instances go within a day could not be told');
      });
      if (!closed) departing = departIn(DEPARTING_EVERY_MS);
    }, ms).unref();
  let departing = departIn(DEPARTING_FIRST_MS);
  return () => {
    closed = true;
    clearInterval(held);
    clearTimeout(departing);
  };
}

/** Tells when the first request waits for too long, and when none does any more. Returns how many do. */
export function noticeHeld(
  ctx: Pick<ServedContext, 'gate' | 'clock' | 'config' | 'observe'>,
  told: number,
): number {
  const limitMs = heldTooLongMs(ctx.config.gate);
  const now = ctx.clock.now();
  const late = ctx.gate.line.inOrder().filter(({ heldAt }) => now - heldAt > limitMs);
  const [longest] = late;
  if (longest !== undefined && told === 0) {
    const { request, heldAt, reason } = longest;
    const waited = formatDuration(Math.floor((now - heldAt) / 1_000) * 1_000);
    const rest = late.length > 1 ? `, and ${countOf(late.length - 1, 'more')}` : '';
    ctx.observe({
      kind: 'held-over',
      requests: late.length,
      reason: `${request} for ${waited}: ${reason}${rest}`,
    });
  } else if (longest === undefined && told > 0) {
    ctx.observe({ kind: 'held-over', requests: 0, reason: 'none does any more' });
  }
  return late.length;
}

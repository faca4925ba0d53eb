import { formatDuration } from '../units/duration.ts';

/** A request that is held, and since when (epoch milliseconds). */
export interface HeldSince {
  readonly request: string;
  readonly heldAt: number;
}

/** The requests that are held, as far as a decision needs to know them. */
export interface LineState {
  /** The one that has been held for longest; null where none is. */
  readonly head: HeldSince | null;
  readonly length: number;
}

/**
 * The request that blocks `request`; null when none does. Requests are in order of when they were first held, those that
 * never were come last. Once the head of the line has been held for longer than `barrierAfterMs` nobody passes it, so
 * that many small requests cannot starve a large one.
 */
export function findBarrier(input: {
  head: HeldSince | null;
  request: string;
  now: number;
  barrierAfterMs: number;
}): HeldSince | null {
  const { head, request, now, barrierAfterMs } = input;
  if (head === null || head.request === request) return null;
  return waited(head.heldAt, now) > barrierAfterMs ? head : null;
}

/** Who holds a request up, and for how long it has waited itself. */
export function describeBarrier({ request, heldAt }: HeldSince, now: number): string {
  const seconds = Math.floor(Math.max(0, now - heldAt) / 1_000);
  return `waits behind request ${request}, which has been held for ${formatDuration(seconds * 1_000)}`;
}

/** The order of the line: longest held first; among equals, by their ids. */
export function compareHeld(a: HeldSince, b: HeldSince): number {
  return a.heldAt - b.heldAt || (a.request < b.request ? -1 : 1);
}

/** Held in the future means that the clock was set back: how long it waited is not known, so it counts as long. */
function waited(heldAt: number, now: number): number {
  return heldAt > now ? Number.POSITIVE_INFINITY : now - heldAt;
}

import { formatDuration } from '../units/duration.ts';

/** A request that is held, and since when (epoch milliseconds). */
export interface HeldSince {
  readonly request: string;
  readonly heldAt: number;
}

/**
 * The request that blocks `request`; null when none does. Requests are in order of when they were first held, those that
 * never were come last. One that has been held for longer than `barrierAfterMs` lets nobody pass who comes after it, so
 * that many small requests cannot starve a large one. The longest held barrier is named.
 */
export function findBarrier(input: {
  held: Iterable<HeldSince>;
  request: string;
  now: number;
  barrierAfterMs: number;
}): HeldSince | null {
  const held = [...input.held];
  const mine = held.find(({ request }) => request === input.request) ?? null;
  let barrier: HeldSince | null = null;
  for (const each of held) {
    if (each === mine || waited(each.heldAt, input.now) <= input.barrierAfterMs) continue;
    const isBefore = mine === null || inOrder(each, mine) < 0;
    if (isBefore && (barrier === null || inOrder(each, barrier) < 0)) barrier = each;
  }
  return barrier;
}

/** Who holds a request up, and for how long it has waited itself. */
export function describeBarrier({ request, heldAt }: HeldSince, now: number): string {
  const seconds = Math.floor(Math.max(0, now - heldAt) / 1_000);
  return `waits behind request ${request}, which has been held for ${formatDuration(seconds * 1_000)}`;
}

function inOrder(a: HeldSince, b: HeldSince): number {
  return a.heldAt - b.heldAt || (a.request < b.request ? -1 : 1);
}

/** Held in the future means that the clock was set back: how long it waited is not known, so it counts as long. */
function waited(heldAt: number, now: number): number {
  return heldAt > now ? Number.POSITIVE_INFINITY : now - heldAt;
}

import { countOf } from '../units/count.ts';
/** Why a new request is turned away at once, when `waiting` are held already; null for no limit, or below it. */
export function refuseAsFull(waiting: number, maxWaiting: number | null): string | null {
  if (maxWaiting === null || waiting < maxWaiting) return null;
  return `queue full: ${countOf(waiting, 'request is', 'requests are')} held, max_waiting is ${maxWaiting}`;
}

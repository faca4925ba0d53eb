import type { PoolContext } from '../context.ts';

/** A reservation whose request has ended, or was removed. */
export interface Orphan {
  readonly request: string;
  readonly state: string;
}

/** Requests that hold something though they have ended (a killed worker, a job removed by hand). */
export async function findOrphans(ctx: PoolContext): Promise<{ reservations: Orphan[]; held: Orphan[] }> {
  const [reservations, held, inFlight] = await Promise.all([
    ctx.catalog.reservations(),
    ctx.catalog.held(),
    ctx.catalog.requestsInFlight(),
  ]);
  const holders = new Set([...reservations.map(({ request }) => request), ...inFlight]);
  return {
    reservations: await endedOf(ctx, [...holders]),
    held: await endedOf(
      ctx,
      held.map(({ request }) => request),
    ),
  };
}

async function endedOf({ queues }: PoolContext, requests: readonly string[]): Promise<Orphan[]> {
  const states = await Promise.all(requests.map((request) => queues.gate.getJobState(request)));
  return requests.flatMap((request, i) => {
    const state = states[i] ?? 'unknown';
    return state === 'unknown' || state === 'completed' || state === 'failed' ? [{ request, state }] : [];
  });
}

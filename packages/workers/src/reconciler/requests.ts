import type { PoolContext, ServedContext } from '../context.ts';

/** A request that holds something though it has ended, or was removed: a killed worker, a job removed by hand. */
export interface Orphan {
  readonly request: string;
  /** Its job's state, in BullMQ's words. */
  readonly state: string;
}

/** Those of the requests that have ended, or whose jobs are gone. */
export async function findEnded(
  { queues }: Pick<PoolContext, 'queues'>,
  requests: Iterable<string>,
): Promise<Orphan[]> {
  const all = [...new Set(requests)];
  const states = await Promise.all(all.map((request) => queues.gate.getJobState(request)));
  return all.flatMap((request, i) => {
    const state = states[i] ?? 'unknown';
    return state === 'unknown' || state === 'completed' || state === 'failed' ? [{ request, state }] : [];
  });
}

/** Has admitted requests whose jobs were removed by hand give back what they held, and wakes who waits for that. */
export async function giveBackOfRemoved(ctx: ServedContext): Promise<void> {
  const { requests, reclaims } = ctx.gate;
  const removed = await findEnded(ctx, [...requests.keys(), ...reclaims.keys()]);
  if (removed.length === 0) return;
  await giveBack(ctx, removed);
  ctx.publisher.soon();
  await ctx.gate.line.wake();
}

/** Requests that have ended hold nothing: what the catalog calls in flight is ready, and the ledger counts it no more. */
export async function giveBack(ctx: ServedContext, requests: readonly Orphan[]): Promise<void> {
  const { gate, catalog } = ctx;
  const inFlight = await catalog.inFlight();
  const ended = new Map(requests.map(({ request, state }) => [request, state]));
  for (const [request, state] of ended) {
    const ids = [...inFlight].filter(([, of]) => of === request).map(([id]) => id);
    const life = gate.requests.get(request)?.life ?? '';
    const held = gate.ledger.giveBack(request) || ids.length > 0;
    gate.requests.delete(request);
    gate.reclaims.delete(request);
    await gate.line.leave(request);
    if (!held) continue;
    await catalog.completeRequest(request, life, ids);
    const reason = `its job is ${state === 'unknown' ? 'gone' : state}`;
    await ctx.audit.append({ action: 'give_back_reservation', request, reason, outcome: 'given back' });
    ctx.logger.warn({ request, state, instances: ids }, 'reservation of an ended request given back');
  }
}

import type { InstanceView, PoolView, RequestView } from '@spica/client';
import type { Transport } from '@spica/client/redis';
import type { TopState } from './state.ts';

/** A request that has not ended. */
export interface OpenRequest {
  readonly id: string;
  readonly phase: 'held' | 'spawning' | 'waiting';
  readonly count: number;
  /** When it was submitted, or first held. */
  readonly since: string | null;
  readonly spawned: number;
  readonly reason: string;
  readonly whatWouldHelp: string | null;
}

/** All that a screen shows. */
export interface TopView {
  readonly at: string;
  readonly pool: PoolView;
  /** Those that are held, the head of the line first, then those under way, then those that nobody has looked at. */
  readonly requests: readonly OpenRequest[];
  readonly instances: readonly InstanceView[];
  /** Instances that match. */
  readonly total: number;
}

/** So many of those that are not held are shown at most. */
const MOST_REQUESTS = 20;

/** Asks the stack, or Redis, for one screen; `limit`: instances that it has room for. */
export async function readTop(
  transport: Transport,
  { query, offset }: Pick<TopState, 'query' | 'offset'>,
  limit: number,
): Promise<TopView> {
  const [pool, spawning, waiting, page] = await Promise.all([
    transport.poolStatus(),
    transport.requests({ state: 'spawning', limit: MOST_REQUESTS }),
    transport.requests({ state: 'waiting', limit: MOST_REQUESTS }),
    transport.instances({ ...query, offset, limit }),
  ]);
  return {
    at: new Date().toISOString(),
    pool,
    requests: [
      ...pool.held.map(toHeld),
      ...spawning.items.map((each) => toOpen(each, 'spawning')),
      ...waiting.items.map((each) => toOpen(each, 'waiting')),
    ],
    instances: page.items,
    total: page.total,
  };
}

function toHeld({ request, count, since, reason, whatWouldHelp }: PoolView['held'][number]): OpenRequest {
  return { id: request, phase: 'held', count, since, spawned: 0, reason, whatWouldHelp };
}

function toOpen(view: RequestView, phase: 'spawning' | 'waiting'): OpenRequest {
  const { id, of: count, submittedAt: since, spawned, progress, whatWouldHelp } = view;
  const reason = phase === 'waiting' ? 'the gate has not looked at it yet' : (progress?.reason ?? '');
  return { id, phase, count, since, spawned, reason, whatWouldHelp };
}

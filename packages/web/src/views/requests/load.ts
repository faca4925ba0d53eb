import { get } from '../../api/call.ts';
import { useCalm } from '../../api/use-calm.ts';
import { type Loaded, useLoad } from '../../api/use-load.ts';
import type { Page, RequestView } from '../../api/views.ts';
import { live } from '../../live/current.ts';
import { poolName } from '../../router/router.ts';
import { byEnd, byPlace, standOf } from './stand.ts';

export interface Requests {
  /** The head of the line first. */
  readonly waiting: readonly RequestView[];
  readonly underWay: readonly RequestView[];
  /** The newest end first. */
  readonly ended: readonly RequestView[];
  /** Whether more of those that wait than are listed. */
  readonly hasMore: boolean;
}

const MOST_OPEN = 200;

/** The requests of the pool that is shown, again whenever they change. @param mostEnded Of those that have ended. */
export function useRequests(mostEnded: number): Loaded<Requests> {
  const pool = poolName.value;
  const changes = useCalm(live.value?.requests.value ?? 0);
  return useLoad((signal) => loadRequests(pool, mostEnded, signal), `${pool}`, [changes, mostEnded]);
}

async function loadRequests(pool: string | null, mostEnded: number, signal: AbortSignal): Promise<Requests> {
  const list = (state: string, limit: number) =>
    get<Page<RequestView>>('/v1/requests', { query: { pool, state, limit }, signal });
  const [held, unseen, spawning, completed, failed] = await Promise.all([
    list('held', MOST_OPEN),
    list('waiting', MOST_OPEN),
    list('spawning', MOST_OPEN),
    list('completed', mostEnded),
    list('failed', mostEnded),
  ]);
  // Between two of the lists a request may go on: each is taken for what it says itself, once.
  const all = [held, unseen, spawning, completed, failed].flatMap(({ items }) => items);
  const once = [...new Map(all.map((each) => [each.id, each])).values()];
  const those = (stands: readonly string[]) => once.filter((each) => stands.includes(standOf(each)));
  return {
    waiting: those(['waits']).sort(byPlace),
    underWay: those(['under way']).sort(byPlace),
    ended: those(['done', 'failed']).sort(byEnd).slice(0, mostEnded),
    hasMore: held.next !== null || unseen.next !== null,
  };
}

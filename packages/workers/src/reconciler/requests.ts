import type { PoolContext } from '../context.ts';

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

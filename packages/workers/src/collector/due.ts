import { collectionDueAt, type InstanceRecord, leaseInForce } from '@spica/core';
import type { PoolContext } from '../context.ts';
import type { CollectRuns } from './runs.ts';

/** The instances whose lease ends, and whose results are to be collected then. */
export interface CollectDue {
  /** What is known of an instance now: call it whenever that has changed. */
  note(record: InstanceRecord): void;
  /** Begins what is due, as far as there are lanes; what is left is begun as these become free. Does not wait for their end. */
  begin(): Promise<void>;
}

export function createCollectDue({
  catalog,
  clockGuard,
  collectRuns,
}: Pick<PoolContext, 'catalog' | 'clockGuard'> & { readonly collectRuns: CollectRuns }): CollectDue {
  const due = new Map<string, number>();

  /** Asks the catalog: what was noted may be a while ago, and does not say when a failure is tried again. */
  async function isDue(id: string): Promise<boolean> {
    const known = await catalog.get(id);
    const at = known && collectionDueAt(known.record, known.collectFailure);
    if (known === null || at === null) {
      due.delete(id);
      return false;
    }
    due.set(id, at);
    const now = clockGuard.now();
    return known.state === 'ready' && at <= now && leaseInForce(known.record, now) === null;
  }

  async function begin(): Promise<void> {
    const now = clockGuard.now();
    for (const [id, at] of due) {
      if (collectRuns.free === 0) return;
      if (at > now || collectRuns.isUnderWay(id) || !(await isDue(id))) continue;
      collectRuns.collect(id).catch(() => undefined); // it is noted, and due again
    }
  }
  collectRuns.onFree(() => void begin().catch(() => undefined)); // what fails here is due at the next look

  return {
    note(record) {
      const at = collectionDueAt(record, null);
      if (at === null) due.delete(record.id);
      else due.set(record.id, at);
    },
    begin,
  };
}

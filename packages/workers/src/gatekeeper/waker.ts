import type { Catalog } from '@spica/catalog';
import type { PoolQueues } from '@spica/queues';

/** Tells held requests that space or slots may have come free. */
export interface Waker {
  /** Counts the wake-ups: a request that began its look before the count moved must look again. */
  readonly count: number;
  /** Brings every held request back to the gate at once. Calls that overlap are joined. */
  wake(): Promise<void>;
}

const JOB_NOT_IN_STATE = -3;

export function createWaker({ catalog, queues }: { catalog: Catalog; queues: PoolQueues }): Waker {
  let count = 0;
  let running: Promise<void> | null = null;
  let again = false;

  async function promoteHeld(): Promise<void> {
    try {
      do {
        again = false;
        // As they were submitted: who was held first may only have been looked at first.
        const held = (await catalog.held()).toSorted((a, b) => a.submittedAt - b.submittedAt);
        for (const { request } of held) await promote(queues, request);
      } while (again);
    } finally {
      running = null; // here, with nothing in between: who wakes from now on is not joined to what has ended
    }
  }

  return {
    get count() {
      return count;
    },
    wake() {
      count += 1;
      again = true;
      running ??= promoteHeld();
      return running;
    },
  };
}

/** Brings one delayed request back; one that is not delayed (any more) needs no bringing back. */
export async function promote(queues: PoolQueues, request: string): Promise<void> {
  const job = await queues.gate.getJob(request);
  if (!(await job?.isDelayed())) return;
  try {
    await job?.promote();
  } catch (error) {
    if ((error as { code?: unknown }).code !== JOB_NOT_IN_STATE) throw error;
  }
}

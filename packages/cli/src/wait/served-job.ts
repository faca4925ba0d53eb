import type { Io } from '../io.ts';
import { Interrupted, onInterrupt } from './interrupted.ts';

/**
 * Waits for a job of the pool's worker until Ctrl-C, which aborts the signal: throws Interrupted then, and the job goes on.
 *
 * @param queue Its name, for people.
 */
export async function untilInterrupted<T>(
  io: Io,
  queue: 'prune' | 'sample',
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  const goesOn = `the ${queue} job goes on; \`spica status\` and the dashboard show it`;
  const release = onInterrupt(io, () => interrupted.abort(new Interrupted(goesOn)));
  try {
    return await work(interrupted.signal);
  } finally {
    release();
  }
}

import type { Io } from '../io.ts';
import { sayWhile } from '../output/waiting.ts';
import { Interrupted, onInterrupt } from './interrupted.ts';

/**
 * Waits for a job of the pool's worker until Ctrl-C, which aborts the signal: throws Interrupted then, and the job goes on.
 *
 * @param queue Its name, for people.
 * @param doing What it does, for who waits: `pruning`.
 */
export async function untilInterrupted<T>(
  io: Io,
  { queue, doing }: { readonly queue: 'prune' | 'sample'; readonly doing: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupted = new AbortController();
  const goesOn = `the ${queue} job goes on; \`spica status\` and the page show it`;
  const release = onInterrupt(io, () => interrupted.abort(new Interrupted(goesOn)));
  try {
    return await sayWhile(io, doing, () => work(interrupted.signal));
  } finally {
    release();
  }
}

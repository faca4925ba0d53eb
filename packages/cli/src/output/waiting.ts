import { formatDuration } from '@spica/core';
import type { Io } from '../io.ts';

/** What takes less is over before somebody asks what goes on. */
const QUIET_MS = 1_000;
const AGAIN_MS = 1_000;
const CLEAR_LINE = '\r\u001b[K';

/**
 * Does some work, and from its first second on says on a terminal what goes on and for how long, in one line of standard
 * error that is gone in the end.
 *
 * @param doing In words: `pruning`.
 */
export async function sayWhile<T>(
  { stderr }: Pick<Io, 'stderr'>,
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  if (!stderr.isTTY) return work();
  const begun = performance.now();
  let isSaid = false;
  const say = () => {
    isSaid = true;
    const seconds = Math.floor((performance.now() - begun) / 1_000);
    stderr.write(`${CLEAR_LINE}${doing}, for ${formatDuration(seconds * 1_000)} …`);
  };
  let again: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    say();
    again = setInterval(say, AGAIN_MS);
  }, QUIET_MS);
  try {
    return await work();
  } finally {
    clearTimeout(first);
    clearInterval(again);
    if (isSaid) stderr.write(CLEAR_LINE);
  }
}

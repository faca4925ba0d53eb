import { setTimeout as sleep } from 'node:timers/promises';
import type { Judged } from '@spica/client/redis';
import { toUnreachable } from '@spica/queues';
import type { ListAsked } from '../input/list.ts';
import type { Io } from '../io.ts';
import { onInterrupt } from '../wait/interrupted.ts';
import { fitColumns } from './fit.ts';
import { listedColumns } from './listed.ts';
import { writeRows } from './write.ts';

const EVERY_MS = 2_000;
/** Of the screen: the titles, an empty line and what stands below. */
const OTHER_ROWS = 3;
const CLEAR = '\u001b[H\u001b[2J';

/**
 * Shows the list anew every two seconds, as many as the screen has rows for, until Ctrl-C. While Redis is away it says since
 * when what it shows is old.
 *
 * @param read Brings so many at most.
 */
export async function watchList(
  io: Io,
  { limit }: ListAsked,
  read: (most: number) => Promise<{ readonly found: readonly Judged[]; readonly total: number }>,
): Promise<number> {
  const ended = new AbortController();
  const release = onInterrupt(io, () => ended.abort());
  try {
    for (let shownAt = ''; !ended.signal.aborted; ) {
      const most = Math.max(1, Math.min(limit, (io.stdout.rows ?? 24) - OTHER_ROWS));
      try {
        const { found, total } = await read(most);
        shownAt = new Date().toLocaleTimeString('sv');
        io.stdout.write(CLEAR);
        writeRows(io.stdout, fitColumns(listedColumns(found, io.stdout), found, io.stdout), found);
        io.stdout.write(`\n${found.length} of ${total} at ${shownAt}; Ctrl-C ends`);
      } catch (error) {
        if (shownAt === '' || toUnreachable(error, 'its place') === null) throw error;
        io.stdout.write(`\r${shownAt}: the last that is known, Redis is away; Ctrl-C ends`);
      }
      await sleep(EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  } finally {
    release();
  }
  io.stdout.write('\n');
  return 0;
}

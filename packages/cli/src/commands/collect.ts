import type { CollectView } from '@spica/client';
import { collectInstances } from '@spica/client/redis';
import { countOf, formatBytes, UsageError } from '@spica/core';
import { withQueues } from '../context/queues.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parsePatterns } from '../input/patterns.ts';
import { parseWho } from '../input/who.ts';
import type { GlobalOptions, Invocation } from '../io.ts';
import { writeJson, writeRows } from '../output/write.ts';
import { untilInterrupted } from '../wait/served-job.ts';

export interface CollectOptions {
  readonly pattern?: readonly string[];
  readonly none?: boolean;
}

/**
 * `spica collect ID…`: has the worker collect the results of instances now, leased or not. `--pattern` says what is collected of them
 * from now on, `--none` that nothing is. Exit 1 where one could not be collected.
 */
export async function collect(invocation: Invocation<CollectOptions>): Promise<number> {
  const { io, args, options } = invocation;
  const ids = args.map((id) => parseInstanceId('id', id));
  const patterns = readPatterns(options);
  const by = parseWho('--by', undefined);
  return withQueues(invocation, async (pool) => {
    const { collected, forgone, failed } = await untilInterrupted(
      io,
      { queue: 'sample', doing: 'collecting' },
      (signal) => collectInstances(pool, ids, { patterns, by, signal }),
    );
    if (options.json) {
      writeJson(io.stdout, { pool: pool.name, collected, forgone, failed });
    } else {
      writeRows(io.stdout, COLUMNS, collected);
      if (io.stdout.isTTY)
        for (const id of forgone) io.stdout.write(`nothing of ${id} is collected any more\n`);
      for (const { id, reason } of failed) io.stderr.write(`${id} could not be collected: ${reason}\n`);
    }
    return failed.length > 0 ? 1 : 0;
  });
}

function readPatterns({ pattern, none = false }: CollectOptions & GlobalOptions): readonly string[] | null {
  if (none && pattern !== undefined) {
    throw new UsageError('FLAG_INVALID', '--none: expected no --pattern beside it');
  }
  if (none) return [];
  return pattern === undefined ? null : parsePatterns('--pattern', pattern);
}

const COLUMNS = [
  { title: 'id', text: ({ id }: CollectView['collected'][number]) => id },
  { title: 'files', text: ({ files }: CollectView['collected'][number]) => countOf(files, 'file') },
  {
    title: 'size',
    text: ({ bytes }: CollectView['collected'][number]) => formatBytes(bytes),
    raw: ({ bytes }: CollectView['collected'][number]) => bytes,
  },
  { title: 'to', text: ({ to }: CollectView['collected'][number]) => to },
];

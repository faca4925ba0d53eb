import type { InstanceView } from '@spica/client';
import { sampleInstances } from '@spica/client/redis';
import { formatBytes } from '@spica/core';
import { withQueues } from '../context/queues.ts';
import { parseInstanceId } from '../input/ids.ts';
import type { Invocation } from '../io.ts';
import { type Column, writeJson, writeRows } from '../output/write.ts';
import { untilInterrupted } from '../wait/served-job.ts';

/** `spica sample [ID…]`: has the worker measure these instances, or those that are due, and prints their sizes. */
export async function sample(invocation: Invocation): Promise<number> {
  const { io, args, options } = invocation;
  const ids = args.map((id) => parseInstanceId('id', id));
  return withQueues(invocation, async (pool) => {
    const { measured, vanished } = await untilInterrupted(
      io,
      { queue: 'sample', doing: 'measuring' },
      (signal) => sampleInstances(pool, ids.length > 0 ? ids : null, { signal }),
    );
    if (options.json) {
      writeJson(io.stdout, { pool: pool.name, measured, vanished });
      return 0;
    }
    writeRows(io.stdout, SIZE_COLUMNS, measured);
    for (const id of vanished) io.stderr.write(`vanished meanwhile: ${id}\n`);
    if (io.stdout.isTTY && measured.length === 0) io.stderr.write('no instance is due to be measured\n');
    return 0;
  });
}

const bytes = (title: string, of: (instance: InstanceView) => number | undefined): Column<InstanceView> => ({
  title,
  text: (instance) => formatBytes(of(instance) ?? 0),
  raw: (instance) => of(instance) ?? null,
  align: 'right',
});

const SIZE_COLUMNS: readonly Column<InstanceView>[] = [
  { title: 'id', text: ({ id }) => id },
  bytes('allocated', ({ sample }) => sample?.allocatedBytes),
  bytes('apparent', ({ sample }) => sample?.apparentBytes),
  { title: 'inodes', text: ({ sample }) => String(sample?.inodes ?? ''), align: 'right' },
];

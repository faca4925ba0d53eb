import { growInstance } from '@spica/client/redis';
import { formatBytes } from '@spica/core';
import { withQueues } from '../context/queues.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseSize, parseWait } from '../input/numbers.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';
import { untilInterrupted } from '../wait/served-job.ts';

export interface GrowOptions {
  readonly maxWait?: string;
}

/**
 * `spica grow ID SIZE`: has the worker raise an instance's cap once there is room. Exit 3, with the sum, if there is none
 * within `max_wait`, or never.
 */
export async function grow(invocation: Invocation<GrowOptions>): Promise<number> {
  const { io, args, options } = invocation;
  const id = parseInstanceId('id', args[0] ?? '');
  const capBytes = parseSize('size', args[1] ?? '', { least: 1 });
  const maxWaitMs = parseWait('--max-wait', options.maxWait);
  const by = parseWho('--by', undefined);
  return withQueues(invocation, async (pool) => {
    const result = await untilInterrupted(io, { queue: 'sample', doing: 'waiting for room' }, (signal) =>
      growInstance(pool, id, { capBytes, maxWaitMs, by, signal }),
    );
    if (options.json) writeJson(io.stdout, { pool: pool.name, ...result });
    else if (io.stdout.isTTY) io.stdout.write(`${id} may become ${formatBytes(result.capBytes)}\n`);
    return 0;
  });
}

import { formatBytes, RefusedError } from '@spica/core';
import type { GrowResult } from '@spica/queues';
import { withQueues } from '../context/queues.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseSize, parseWait } from '../input/numbers.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';
import { runServedJob } from '../wait/served-job.ts';

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
  return withQueues(invocation, async ({ policy, queues, redis }) => {
    const payload = {
      pool: policy.name,
      grow: { id, capBytes, maxWaitMs: parseWait('--max-wait', options.maxWait) },
    };
    const result = (await runServedJob(queues, 'sample', payload, { io, redis })) as GrowResult;
    if (!result.granted) throw new RefusedError('GROW_REFUSED', `instance ${id}: ${result.sentence}`, { id });
    if (options.json) writeJson(io.stdout, { pool: policy.name, ...result });
    else if (io.stdout.isTTY) io.stdout.write(`${id} may become ${formatBytes(result.capBytes)}\n`);
    return 0;
  });
}

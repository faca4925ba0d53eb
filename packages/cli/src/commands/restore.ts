import { restoreInstance } from '@spica/client/redis';
import { withQueues } from '../context/queues.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';
import { untilInterrupted } from '../wait/served-job.ts';

/** `spica restore ID`: has the worker bring an instance back from the trash, whole. */
export async function restore(invocation: Invocation): Promise<number> {
  const { io, args, options } = invocation;
  const id = parseInstanceId('id', args[0] ?? '');
  const by = parseWho('--by', undefined);
  return withQueues(invocation, async (pool) => {
    await untilInterrupted(io, 'prune', (signal) => restoreInstance(pool, id, { by, signal }));
    if (options.json) writeJson(io.stdout, { pool: pool.name, id, restored: true });
    else if (io.stdout.isTTY) {
      io.stdout.write(`${id} is back\n`);
      io.stderr.write(`what made it go may do so again: \`spica pin ${id} --why TEXT\` keeps it\n`);
    }
    return 0;
  });
}

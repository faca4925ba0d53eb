import { restoreInstance } from '@spica/client/redis';
import { withQueues } from '../context/queues.ts';
import { eachInstance, parseInstanceIds } from '../input/each.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { untilInterrupted } from '../wait/served-job.ts';

/** `spica restore ID…`: has the worker bring instances back from the trash, whole. */
export async function restore(invocation: Invocation): Promise<number> {
  const { io, args, options } = invocation;
  const ids = parseInstanceIds(args);
  const by = parseWho('--by', undefined);
  return withQueues(invocation, async (pool) => {
    const json = options.json === true;
    return eachInstance(io, { ids, json, pool: pool.name }, async (id) => {
      await untilInterrupted(io, { queue: 'prune', doing: `restoring ${id}` }, (signal) =>
        restoreInstance(pool, id, { by, signal }),
      );
      if (!json && io.stdout.isTTY) {
        io.stdout.write(`${id} is back\n`);
        io.stderr.write(`what made it go may do so again: \`spica pin ${id} --why TEXT\` keeps it\n`);
      }
      return { restored: true };
    });
  });
}

import { readRequest } from '@spica/client/redis';
import { withQueues } from '../context/queues.ts';
import type { Invocation } from '../io.ts';
import { writeRequest } from '../output/request.ts';
import { writeJson } from '../output/write.ts';

/** Prints where a request stands. Resolves with the exit code. Throws CheckError REQUEST_UNKNOWN. */
export async function showRequest(invocation: Invocation, id: string): Promise<number> {
  const { io, options } = invocation;
  return withQueues(invocation, async ({ policy, queues, catalog }) => {
    const request = await readRequest({ queues, name: policy.name, catalog }, id);
    if (options.json) writeJson(io.stdout, request);
    else writeRequest(io.stdout, request);
    return 0;
  });
}

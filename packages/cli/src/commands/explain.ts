import { withQueues } from '../context/queues.ts';
import type { Invocation } from '../io.ts';
import { writeExplanation } from '../output/explain.ts';
import { writeJson } from '../output/write.ts';
import { explainRequest } from '../request/explain.ts';

/** `spica explain REQUEST`: why a request waits, with every figure of the sum, or what became of it. */
export async function explain(invocation: Invocation): Promise<number> {
  const { io, args, options } = invocation;
  return withQueues(invocation, async ({ loaded, policy, queues, redis }) => {
    const pool = policy.name;
    const explanation = await explainRequest(invocation, args[0] ?? '', {
      queues,
      redis,
      config: loaded.config,
      pool,
    });
    if (options.json) writeJson(io.stdout, explanation);
    else writeExplanation(io.stdout, explanation);
    return 0;
  });
}

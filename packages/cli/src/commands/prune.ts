import { EXIT_CODES } from '@spica/core';
import type { Invocation } from '../io.ts';
import { writePrune } from '../output/prune.ts';
import { planWithoutRedis, pruneWithoutRedis } from '../prune/offline.ts';
import { checkFlags, type PruneOptions, readLimits } from '../prune/options.ts';
import { planServed, pruneServed } from '../prune/served.ts';

/**
 * `spica prune`: has the worker apply the retention policy now, carry out a sealed plan, or
 * delete just the instances that are named; with `--dry-run` prints the
 * plan and touches nothing; with `--offline` does either without Redis. Exit 1 where an instance could not be deleted.
 */
export async function prune(invocation: Invocation<PruneOptions>): Promise<number> {
  const { io, args, options } = invocation;
  checkFlags(options, args);
  const [plan, execute] = options.offline ? [planWithoutRedis, pruneWithoutRedis] : [planServed, pruneServed];
  const report = await (options.dryRun ? plan : execute)(invocation, readLimits(options, args));
  writePrune(io, report, { json: options.json === true, named: args.length });
  return report.failed.length > 0 ? EXIT_CODES.check : 0;
}

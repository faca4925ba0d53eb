import { EXIT_CODES } from '@spica/core';
import { MAX_COUNT } from '@spica/queues';
import { previewAdmission } from '@spica/workers';
import { withPool } from '../context/with-pool.ts';
import { parseCount } from '../input/numbers.ts';
import { parseReplicas, type ReplicaOptions } from '../input/replicas.ts';
import { chooseTemplate } from '../input/template.ts';
import { parseGivenText } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { listGoing, sayPruning } from '../output/room.ts';
import { writeJson } from '../output/write.ts';

export interface PreflightOptions extends ReplicaOptions {
  readonly count: string;
  readonly template?: string;
  readonly experiment?: string;
}

const SAID = {
  admit: 'would be admitted',
  short: 'does not fit as things stand',
  impossible: 'would be rejected',
} as const;

/**
 * `spica preflight`: would the gate let a spawn in as things stand, if need be after a prune, and why. Exit 3 where it
 * would not.
 */
export async function preflight(invocation: Invocation<PreflightOptions>): Promise<number> {
  const { io, options } = invocation;
  const count = parseCount('-n', options.count, { least: 1, most: MAX_COUNT });
  const replicas = parseReplicas(options);
  const experiment = parseGivenText('--experiment', options.experiment);
  return withPool(invocation, async (ctx) => {
    const template = chooseTemplate(ctx.policy, options.template);
    const asked = { template, count, experiment, replicas };
    const decision = await previewAdmission(ctx, asked);
    const { verdict, afterPruning } = decision;
    const said = afterPruning ? `would be admitted after ${sayPruning(afterPruning)}` : SAID[verdict];
    if (options.json) writeJson(io.stdout, { pool: ctx.policy.name, ...asked, ...decision });
    else {
      io.stdout.write(`${said}: ${decision.sentence}\n`);
      if (afterPruning) io.stdout.write(`would be pruned: ${listGoing(afterPruning)}\n`);
      if (decision.help) io.stdout.write(`what would help: ${decision.help.sentence}\n`);
    }
    return verdict === 'admit' || afterPruning ? 0 : EXIT_CODES.refused;
  });
}

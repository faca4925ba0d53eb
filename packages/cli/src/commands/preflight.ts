import { EXIT_CODES } from '@spica/core';
import { MAX_COUNT } from '@spica/queues';
import { previewAdmission } from '@spica/workers';
import { withPool } from '../context/look.ts';
import { parseCount } from '../input/numbers.ts';
import { parseReplicas, type ReplicaOptions } from '../input/replicas.ts';
import { chooseTemplate } from '../input/template.ts';
import type { Invocation } from '../io.ts';
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

/** `spica preflight`: would the gate let a spawn in as things stand, and why. Exit 3 where it would not. */
export async function preflight(invocation: Invocation<PreflightOptions>): Promise<number> {
  const { io, options } = invocation;
  const count = parseCount('-n', options.count, { least: 1, most: MAX_COUNT });
  const replicas = parseReplicas(options);
  return withPool(invocation, async (ctx) => {
    const template = chooseTemplate(ctx.policy, options.template);
    const asked = { template, count, experiment: options.experiment ?? null, replicas };
    const decision = await previewAdmission(ctx, asked);
    if (options.json) writeJson(io.stdout, { pool: ctx.policy.name, ...asked, ...decision });
    else {
      io.stdout.write(`${SAID[decision.verdict]}: ${decision.sentence}\n`);
      if (decision.help) io.stdout.write(`what would help: ${decision.help.sentence}\n`);
    }
    return decision.verdict === 'admit' ? 0 : EXIT_CODES.refused;
  });
}

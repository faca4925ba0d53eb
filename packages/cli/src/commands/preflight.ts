import { EXIT_CODES } from '@spica/core';
import { MAX_COUNT } from '@spica/queues';
import { previewAdmission } from '@spica/workers';
import { withPool } from '../context/look.ts';
import { parseCount } from '../input/numbers.ts';
import { chooseTemplate } from '../input/template.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';

export interface PreflightOptions {
  readonly count: string;
  readonly template?: string;
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
  return withPool(invocation, async (ctx) => {
    const template = chooseTemplate(ctx.policy, options.template);
    const decision = await previewAdmission(ctx, { template, count, experiment: null, replicas: null });
    if (options.json) writeJson(io.stdout, { pool: ctx.policy.name, template, count, ...decision });
    else io.stdout.write(`${SAID[decision.verdict]}: ${decision.sentence}\n`);
    return decision.verdict === 'admit' ? 0 : EXIT_CODES.refused;
  });
}

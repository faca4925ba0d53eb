import { type PoolConfig, UsageError } from '@spica/core';
import type { Invocation } from '../io.ts';

/** Whose profile: a template's, which is the first argument, or an experiment's. */
export interface ProfileTarget {
  readonly experiment?: string;
}

/** Reads whose profile is meant. Throws UsageError ARGUMENT_MISSING, FLAG_CONFLICT. */
export function readTarget({ args, options }: Pick<Invocation<ProfileTarget>, 'args' | 'options'>): {
  readonly template: string | null;
  readonly experiment: string | null;
} {
  const [template = null] = args;
  const { experiment = null } = options;
  if (template === null && experiment === null)
    throw new UsageError(
      'ARGUMENT_MISSING',
      'template: expected the name of a template, or --experiment, got neither',
    );
  if (template !== null && experiment !== null)
    throw new UsageError(
      'FLAG_CONFLICT',
      `--experiment: expected without a template, got both (template "${template}")`,
    );
  return { template, experiment };
}

/** The name that the catalog knows a profile by. Throws UsageError TEMPLATE_UNKNOWN that lists the templates there are. */
export function profileOf(
  { template, experiment }: ReturnType<typeof readTarget>,
  { templates, name }: Pick<PoolConfig, 'templates' | 'name'>,
): string {
  if (template === null) return `experiment:${experiment}`;
  if (Object.hasOwn(templates, template)) return `template:${template}`;
  const known = Object.keys(templates).join(', ') || 'none';
  throw new UsageError(
    'TEMPLATE_UNKNOWN',
    `template: expected one of pool ${name}'s: ${known}, got "${template}"`,
  );
}

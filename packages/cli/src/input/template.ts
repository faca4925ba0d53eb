import { type EffectiveSetting, type PoolConfig, UsageError } from '@spica/core';

/**
 * The template to clone: the one asked for, else the pool's only one, else `default`. Throws UsageError
 * TEMPLATE_UNKNOWN that lists the templates there are.
 */
export function chooseTemplate({ name, templates }: PoolConfig, asked: string | undefined): string {
  const known = Object.keys(templates);
  const only = known.length === 1 ? known[0] : 'default';
  const chosen = asked ?? only ?? 'default';
  if (Object.hasOwn(templates, chosen)) return chosen;
  const got = asked === undefined ? 'none was given, and there is no template "default"' : `got "${asked}"`;
  const expected = known.length > 0 ? `expected one of: ${known.join(', ')}` : 'the config names none';
  throw new UsageError('TEMPLATE_UNKNOWN', `--template: ${expected} (templates of pool ${name}), ${got}`);
}

/**
 * Whether the config says which templates a pool has. Where it does not, this may be a host that only submits: the gate
 * knows them.
 */
export function namesTemplates(effective: readonly EffectiveSetting[], pool: string): boolean {
  const path = `pools.${pool}.templates`;
  return effective.some((setting) => setting.path.startsWith(`${path}.`) && setting.source !== 'default');
}

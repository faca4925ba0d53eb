import { EXIT_CODES, type PoolConfig, type SpicaError, toKnownError, UsageError } from '@spica/core';
import { reportTemplate, type TemplateReport } from '@spica/pool';
import { loadConfig } from '../context/config.ts';
import { choosePools } from '../context/pool.ts';
import type { Invocation } from '../io.ts';
import { writeTemplateRows, writeTemplates } from '../output/template.ts';
import { writeJson } from '../output/write.ts';

/** A template of a pool and its report, or why it cannot be cloned. */
export type ShownTemplate = { readonly pool: string; readonly name: string } & (
  | { readonly report: TemplateReport }
  | { readonly error: SpicaError }
);

/**
 * `spica template [NAME]`: shows all templates, or those of one name, as they would be cloned now. Needs no Redis and no
 * worker, and changes nothing. Exits as the first that cannot be cloned says; one alone is an error as any other.
 */
export async function template({ io, args: [asked], options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  const chosen = chooseTemplates(Object.values(choosePools(config, options.pool).pools), asked);
  const shown: ShownTemplate[] = [];
  for (const [policy, name] of chosen) shown.push(await showTemplate(policy, name));
  const errors = shown.flatMap((each) => ('error' in each ? [each.error] : []));
  const [first] = errors;
  if (first && shown.length === 1) throw first;
  if (options.json) writeJson(io.stdout, { templates: shown.map(toJson) });
  else if (io.stdout.isTTY) writeTemplates(io.stdout, shown);
  else writeTemplateRows(io.stdout, shown);
  return first ? EXIT_CODES[first.kind] : 0;
}

/** Throws UsageError TEMPLATE_UNKNOWN that lists the templates there are. */
function chooseTemplates(
  policies: readonly PoolConfig[],
  asked: string | undefined,
): [policy: PoolConfig, name: string][] {
  const all = policies.flatMap((policy) =>
    Object.keys(policy.templates).map((name): [PoolConfig, string] => [policy, name]),
  );
  const chosen = asked === undefined ? all : all.filter(([, name]) => name === asked);
  if (chosen.length > 0 || asked === undefined) return chosen;
  const known = [...new Set(all.map(([, name]) => name))].join(', ') || 'none';
  throw new UsageError('TEMPLATE_UNKNOWN', `name: expected one of: ${known}, got "${asked}"`);
}

async function showTemplate(policy: PoolConfig, name: string): Promise<ShownTemplate> {
  const { name: pool, root, templates: sources, allowGitFile } = policy;
  try {
    return { pool, name, report: await reportTemplate({ root, sources, name, allowGitFile }) };
  } catch (error) {
    const problem = toKnownError(error);
    if (!problem) throw error;
    return { pool, name, error: problem };
  }
}

function toJson(shown: ShownTemplate) {
  const { pool, name } = shown;
  if ('report' in shown) return { pool, ...shown.report };
  const { code, kind, message, details } = shown.error;
  return { pool, name, error: { code, kind, message, details } };
}

import { type PoolConfig, toKnownError } from '@spica/core';
import { checkTemplate } from '@spica/pool';
import { type Finding, fail, ok, warn } from './finding.ts';

/** Can the templates of a pool be cloned, and as their authors meant? One after another: each keeps the disk busy. */
export async function checkTemplates(policy: PoolConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of Object.keys(policy.templates)) findings.push(...(await checkOne(policy, name)));
  return findings;
}

async function checkOne(policy: PoolConfig, name: string): Promise<Finding[]> {
  const { name: pool, root, templates: sources, allowGitFile } = policy;
  const check = `template ${name} of pool ${pool}`;
  try {
    const warnings = await checkTemplate({ root, sources, name, allowGitFile });
    if (warnings.length === 0) return [ok(check, sources[name]?.path ?? '')];
    return warnings.map(({ found, advice }) => warn(check, found, advice));
  } catch (error) {
    const problem = toKnownError(error);
    if (problem) return [fail(check, problem.message, `mend it, or pools.${pool}.templates.${name}`)];
    return [fail(check, `it could not be looked at: ${(error as Error).message}`, 'see above')];
  }
}

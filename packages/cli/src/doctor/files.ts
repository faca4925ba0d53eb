import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '@spica/core';
import { countOf } from '@spica/core';
import { auditPathOf, verifyAudit } from '@spica/pool';
import { type Finding, fail, ok } from './finding.ts';

/** Can the state directory be used? It need not be there yet: what runs makes it. */
export async function checkStateDir({ stateDir }: Config): Promise<Finding> {
  const problem = await whyNotWritable(stateDir);
  return problem === null
    ? ok('state directory', stateDir)
    : fail('state directory', problem, 'make it writable, or set SPICA_STATE_DIR');
}

/** Can the audit log be written, and does its chain hold? */
export async function checkAudit({ audit, stateDir }: Config): Promise<Finding> {
  const path = auditPathOf({ path: audit.path, stateDir });
  const problem = await whyNotWritable(path);
  if (problem !== null) {
    return fail(
      'audit log',
      `${problem}: without it nothing is deleted`,
      'make it writable, or set audit.path',
    );
  }
  const { lines, problems } = await verifyAudit(path);
  const [first] = problems;
  if (first === undefined) return ok('audit log', `${path}: ${countOf(lines, 'line')}, the chain holds`);
  return fail('audit log', `its chain does not hold: ${first}`, '`spica audit verify` lists every place');
}

/** Why a path cannot be written, or made where it is not there; null where it can. Writes nothing. */
async function whyNotWritable(path: string): Promise<string | null> {
  for (let at = path; ; at = dirname(at)) {
    try {
      await access(at, at === path ? constants.W_OK : constants.W_OK | constants.X_OK);
      return null;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') return `${at} cannot be written (${code})`;
      if (dirname(at) === at) return `${path} cannot be made`;
    }
  }
}

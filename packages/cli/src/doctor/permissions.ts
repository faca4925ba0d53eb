import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { nullIfMissing, type PoolConfig } from '@spica/core';
import type { Pool } from '@spica/pool';
import { type Finding, ok, warn } from './finding.ts';

const OTHERS_READ = 0o044;

/** Can this user write to the pool, and only its owner read what may hold parameters? */
export async function checkPermissions(
  { name }: Pick<PoolConfig, 'name'>,
  { paths }: Pool,
): Promise<Finding[]> {
  const check = `permissions of pool ${name}`;
  const findings: Finding[] = [];
  for (const path of [paths.root, paths.own, paths.staging, paths.trash, paths.records]) {
    const problem = await access(path, constants.W_OK | constants.X_OK).then(
      () => null,
      ({ code }: NodeJS.ErrnoException) => code,
    );
    if (problem === null || problem === 'ENOENT') continue;
    const { uid } = await stat(paths.root);
    const advice = `run the worker as its owner (user ${uid}), or give the pool to this user (chown -R)`;
    findings.push(warn(check, `this user may not write ${path} (${problem})`, advice));
    break; // the others say the same
  }
  for (const path of [paths.records, paths.trash, paths.templates, paths.staging, paths.setUps]) {
    const found = await nullIfMissing(stat(path));
    if (found === null || (found.mode & OTHERS_READ) === 0) continue;
    const what = `other users may read ${path}, which may hold parameters`;
    findings.push(warn(check, what, `chmod go-rwx ${path}: \`spica up\` does that where it may`));
  }
  return findings.length > 0 ? findings : [ok(check, 'this user may write it; what is private is')];
}

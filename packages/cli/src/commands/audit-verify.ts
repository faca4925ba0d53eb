import { countOf, EXIT_CODES } from '@spica/core';
import { auditPathOf, verifyAudit } from '@spica/pool';
import { loadConfig } from '../context/config.ts';
import type { Invocation } from '../io.ts';
import { writeJson } from '../output/write.ts';

/** `spica audit verify`: checks the chain through all rotated files. Exit 1 where it does not hold, with the places. */
export async function auditVerify({ io, options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  const path = auditPathOf({ path: config.audit.path, stateDir: config.stateDir });
  const { lines, problems } = await verifyAudit(path);
  if (options.json) writeJson(io.stdout, { path, lines, ok: problems.length === 0, problems });
  else {
    for (const problem of problems) io.stdout.write(`${problem}\n`);
    const found =
      problems.length === 0
        ? 'the chain holds'
        : `${countOf(problems.length, 'place')} where it does not hold`;
    if (io.stdout.isTTY) io.stdout.write(`${countOf(lines, 'line')} in ${path}: ${found}\n`);
  }
  return problems.length > 0 ? EXIT_CODES.check : 0;
}

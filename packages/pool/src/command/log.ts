import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { isInstanceId, nullIfMissing } from '@spica/core';
import type { Pool } from '../layout.ts';
import { isThere } from '../missing.ts';
import { BASELINE_SUFFIX } from '../unsaved/baseline.ts';
import { writeFileWhole } from '../write-whole.ts';

const SUFFIX = '.log';

/** Where it is kept what a command printed: by an instance's id, or `prepare-` and a template's name. */
export function commandLogPath(pool: Pool, name: string): string {
  return join(pool.paths.setUps, `${name}${SUFFIX}`);
}

/** Keeps what a command printed, in place of what an earlier one did. Throws what the filesystem says. */
export async function writeCommandLog(pool: Pool, name: string, output: string): Promise<void> {
  await mkdir(pool.paths.setUps, { recursive: true, mode: 0o700 }); // an earlier version made none
  await writeFileWhole(commandLogPath(pool, name), output);
}

/** What a command printed; null where there was none, or it is not kept any more. */
export async function readCommandLog(pool: Pool, name: string): Promise<string | null> {
  return nullIfMissing(readFile(commandLogPath(pool, name), 'utf8'));
}

/**
 * Deletes the output of set-ups whose instances are gone, what these were in the eyes of git unless they may be restored,
 * and drafts. What was written lately stays: it tells why a request failed. Of a template's preparation the last output stays.
 *
 * @param before Epoch milliseconds: what was written later stays.
 */
export async function sweepSetUps(pool: Pool, before: number): Promise<void> {
  const names = (await nullIfMissing(readdir(pool.paths.setUps))) ?? [];
  for (const name of names) {
    const path = join(pool.paths.setUps, name);
    const written = (await isNeeded(pool, name)) ? null : await nullIfMissing(stat(path));
    if (written && written.mtimeMs < before) await rm(path, { force: true });
  }
}

async function isNeeded(pool: Pool, name: string): Promise<boolean> {
  const { name: of, ext } = parse(name);
  if (ext !== SUFFIX && ext !== BASELINE_SUFFIX) return false;
  if (!isInstanceId(of)) return of.startsWith('prepare-');
  if (await isThere(pool.pathOf(of))) return true;
  return ext === BASELINE_SUFFIX && (await readdir(pool.paths.trash)).some((at) => at.startsWith(`${of}.`));
}

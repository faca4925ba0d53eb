import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstanceId } from '@spica/core';
import type { Pool } from '../layout.ts';
import { nullIfMissing } from '../missing.ts';
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
 * Deletes the output of set-ups whose instances are gone, and of drafts. What was written lately stays: it tells why a
 * request failed. Of a template's preparation the last output stays.
 *
 * @param before Epoch milliseconds: what was written later stays.
 */
export async function sweepCommandLogs(pool: Pool, before: number): Promise<void> {
  const names = (await nullIfMissing(readdir(pool.paths.setUps))) ?? [];
  for (const name of names) {
    const path = join(pool.paths.setUps, name);
    const of = name.endsWith(SUFFIX) ? name.slice(0, -SUFFIX.length) : '';
    const isKept = isInstanceId(of) ? await nullIfMissing(stat(pool.pathOf(of))) : of.startsWith('prepare-');
    const written = isKept ? null : await nullIfMissing(stat(path));
    if (written && written.mtimeMs < before) await rm(path, { force: true });
  }
}

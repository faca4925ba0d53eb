import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstanceId } from '@spica/core';
import type { Pool } from '../layout.ts';
import { nullIfMissing } from '../missing.ts';
import { writeFileWhole } from '../write-whole.ts';

const SUFFIX = '.log';

/** Where the output of an instance's set-up is kept. */
export function setUpLogPath(pool: Pool, id: string): string {
  pool.pathOf(id); // refuses what is no id
  return join(pool.paths.setUps, `${id}${SUFFIX}`);
}

/** Keeps what an instance's set-up printed, in place of what an earlier one did. Throws what the filesystem says. */
export async function writeSetUpLog(pool: Pool, id: string, output: string): Promise<void> {
  await mkdir(pool.paths.setUps, { recursive: true, mode: 0o700 }); // an earlier version made none
  await writeFileWhole(setUpLogPath(pool, id), output);
}

/** What an instance's set-up printed; null where it had none, or it is not kept any more. */
export async function readSetUpLog(pool: Pool, id: string): Promise<string | null> {
  return nullIfMissing(readFile(setUpLogPath(pool, id), 'utf8'));
}

/**
 * Deletes the output of set-ups whose instances are gone, a day after it was written: until then it tells why a request
 * failed.
 *
 * @param before Epoch milliseconds: what was written later stays.
 */
export async function sweepSetUpLogs(pool: Pool, before: number): Promise<void> {
  const names = (await nullIfMissing(readdir(pool.paths.setUps))) ?? [];
  for (const name of names) {
    const path = join(pool.paths.setUps, name);
    const id = name.slice(0, -SUFFIX.length);
    const isKept = name.endsWith(SUFFIX) && isInstanceId(id) && (await nullIfMissing(stat(pool.pathOf(id))));
    const written = isKept ? null : await nullIfMissing(stat(path));
    if (written && written.mtimeMs < before) await rm(path, { force: true });
  }
}

import { open } from 'node:fs/promises';
import { imageProblem } from './image/problem.ts';
import type { Pool } from './layout.ts';

/** What is no fault of the disk's: it has no room, a quota is used up (EDQUOT, for which Node has no name), or it is not there. */
const NO_FAULT = ['ENOSPC', 'Unknown system error -122', 'ENOENT', 'ENOTDIR'];

/** What codes mean, for people. */
const MEANS: Readonly<Record<string, string>> = {
  EROFS: 'it is read-only, as a filesystem becomes after an error',
  EIO: 'it answers with input/output errors',
};

/**
 * Tries to write to a pool's disk, through to the device, unless its image tells that nothing is to be entrusted to it. Null where that works, or where only room is missing; else a
 * sentence that says what the disk answers.
 */
export async function whyUnwritable({ paths }: Pick<Pool, 'paths'>): Promise<string | null> {
  const image = await imageProblem(paths.root);
  if (image) return image.message;
  try {
    const file = await open(paths.writeCheck, 'w', 0o600);
    try {
      await file.write('1');
      await file.datasync();
    } finally {
      await file.close();
    }
    return null;
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    if (NO_FAULT.includes(code)) return null;
    return `the disk of ${paths.root} takes no writes: ${MEANS[code] ?? 'a write to it fails'} (${code})`;
  }
}

import { lstat } from 'node:fs/promises';
import { nullIfMissing } from '@spica/core';

/** Whether anything lies at a path; a symbolic link counts, wherever it leads. Throws what the filesystem says. */
export async function isThere(path: string): Promise<boolean> {
  return (await nullIfMissing(lstat(path))) !== null;
}

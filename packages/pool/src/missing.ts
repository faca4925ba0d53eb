import { lstat } from 'node:fs/promises';

/** What the work resolves with; null where it fails because what it needs is not there (ENOENT). Throws all else. */
export async function nullIfMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether anything lies at a path; a symbolic link counts, wherever it leads. Throws what the filesystem says. */
export async function isThere(path: string): Promise<boolean> {
  return (await nullIfMissing(lstat(path))) !== null;
}

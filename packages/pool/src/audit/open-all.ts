import { type FileHandle, open } from 'node:fs/promises';
import { nullIfMissing } from '@spica/core';
import { withFileLock } from '../claim/file-lock.ts';
import { lockOf } from './log.ts';
import { rotatedFiles } from './rotate.ts';

/** A file of the log, to be read as far as it went when it was opened. */
export interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
  readonly size: number;
  readonly inode: number;
}

/** All files of one moment, in which nobody writes or rotates, the oldest first; to be closed by whoever calls. */
export async function openAll(path: string): Promise<OpenFile[]> {
  try {
    const files = await nullIfMissing(withFileLock(lockOf(path), () => openEach(path)));
    return files ?? []; // no directory, no log
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // Who may only read cannot hold others off; at worst the line that is being written counts as torn.
    if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return openEach(path);
    throw error;
  }
}

async function openEach(path: string): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  for (const name of [...(await rotatedFiles(path)), path]) {
    const handle = await nullIfMissing(open(name, 'r'));
    if (!handle) continue;
    const { size, ino: inode } = await handle.stat();
    files.push({ name, handle, size, inode });
  }
  return files;
}

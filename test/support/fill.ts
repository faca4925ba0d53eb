import { closeSync, openSync, statfsSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** The type of a tmpfs, as statfs(2) has it. */
const TMPFS = 0x01021994;
const CHUNKS = [1_000_000, 4_096].map((bytes) => Buffer.alloc(bytes, 'f'));

/**
 * Takes every byte that is left on a tmpfs that a test has mounted, as somebody else would who knows nothing of Spica:
 * appends to a file until there is no room. Refuses any other filesystem: the mount may be gone by then, and the disk
 * below it is the machine's.
 */
export function fillTmpfs(file: string): void {
  const fd = openSync(file, 'a');
  try {
    if (statfsSync(dirname(file)).type !== TMPFS) throw new Error(`${file}: expected it on a tmpfs`);
    for (const chunk of CHUNKS) while (takes(fd, chunk));
  } finally {
    closeSync(fd);
  }
}

/** Whether all of it was written. */
function takes(fd: number, chunk: Buffer): boolean {
  try {
    return writeSync(fd, chunk) === chunk.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file so that readers see the old text or the new one, never a part; so does whoever comes after this process
 * was killed, beside a draft perhaps. With `sync` it is on the disk when this resolves, and the same holds after a power
 * cut; without, the file may then be empty, or not be there: its readers have to take that for unknown. Throws what the
 * filesystem throws; nothing is left behind then.
 */
export async function writeFileWhole(path: string, text: string, { sync = false } = {}): Promise<void> {
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  if (sync) await syncDirectory(dirname(path));
}

const DRAFT = /^(.+)\.\d+-[0-9a-f]{8}\.tmp$/s;

/** The name of the file that another name is a draft of, as `writeFileWhole` calls them; null where it is none. */
export function draftedBy(name: string): string | null {
  return DRAFT.exec(name)?.[1] ?? null;
}

/** Puts on the disk which names are in a directory. */
export async function syncDirectory(path: string): Promise<void> {
  const dir = await open(path, 'r');
  try {
    await dir.sync();
  } finally {
    await dir.close();
  }
}

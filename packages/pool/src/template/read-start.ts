import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** What took a file's place since it was listed must not lead elsewhere, or block. */
const READ_ONLY = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The beginning of a file, `mostBytes` of it at most; null where it is gone, no file, or cannot be read. */
export async function readStart(path: Buffer, mostBytes: number): Promise<Buffer | null> {
  const file = await open(path, READ_ONLY).catch(() => null);
  if (!file) return null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(mostBytes), 0, mostBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

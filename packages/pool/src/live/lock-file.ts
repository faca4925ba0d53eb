import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '../layout.ts';

const NAME = '.tournament_lock';
const PROTECTS_MS = 3_600_000;
/** A lock file holds a few lines; whatever is larger is not one, and is not read in full. */
const MOST_BYTES = 64 * 1024;

/**
 * Until when an instance's `.tournament_lock` protects it (epoch milliseconds): for an hour from its `started_at`
 * (epoch seconds), or from the file's mtime where that cannot be read. Null where there is none.
 */
export async function lockFileUntil(pool: Pool, id: string): Promise<number | null> {
  const file = await open(join(pool.pathOf(id), NAME), 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (!file) return null;
  try {
    const { mtimeMs } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0);
    const startedAt = startedAtOf(buffer.toString('utf8', 0, bytesRead));
    return Math.round((startedAt === null ? mtimeMs : startedAt * 1000) + PROTECTS_MS);
  } finally {
    await file.close();
  }
}

function startedAtOf(text: string): number | null {
  try {
    const startedAt: unknown = JSON.parse(text)?.started_at;
    return typeof startedAt === 'number' && Number.isFinite(startedAt) ? startedAt : null;
  } catch {
    return null; // half written, or of another form
  }
}

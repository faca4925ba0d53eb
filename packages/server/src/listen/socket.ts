import { chmod, rename, stat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { CheckError } from '@spica/core';
import type { FastifyInstance } from 'fastify';

/** The owner, and whoever is in the file's group. */
const MODE = 0o660;

/**
 * Listens at a unix socket, of mode 0660 from the first moment on: it is bound under another name and then renamed. One that
 * a dead process has left is replaced. Resolves with how to take it away again; with null where another process that lives
 * serves it. Throws CheckError SERVER_START_FAILED.
 */
export async function listenAtSocket(
  app: FastifyInstance,
  path: string,
): Promise<(() => Promise<void>) | null> {
  if (await answers(path)) return null;
  // No longer than the name itself, whose length is bounded.
  const draft = join(dirname(path), `.a${process.pid.toString(36)}`);
  try {
    await removeFile(draft);
    await app.listen({ path: draft, listenTextResolver: () => `the HTTP API listens at ${path}` });
    await chmod(draft, MODE);
    const { ino } = await stat(draft);
    await rename(draft, path);
    return async () => {
      const there = await stat(path).catch(() => null);
      if (there?.ino === ino) await removeFile(path);
    };
  } catch (error) {
    await removeFile(draft).catch(() => undefined); // the first error is the one to report
    const { code } = error as NodeJS.ErrnoException;
    const message = `the HTTP API's socket ${path} cannot be made (${code ?? 'unknown reason'})`;
    throw new CheckError('SERVER_START_FAILED', message, { path }, error);
  }
}

/** Whether a process takes connections there. */
async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

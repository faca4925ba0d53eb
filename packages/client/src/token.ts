import { createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The token of the leases of a request that has a key: the same whenever this user submits it again on this machine, so
 * that a runner that was started anew holds them again; nobody else can tell it. Throws what the filesystem throws where
 * the user's secret can be neither read nor made.
 */
export async function leaseTokenOf(pool: string, key: string, env: Environment): Promise<string> {
  const secret = await readSecret(env);
  return createHmac('sha256', secret).update(`${pool}\0${key}`).digest('hex').slice(0, 32);
}

/** Made once, for this user alone. Of two that make it at once, the first wins. */
async function readSecret({ XDG_STATE_HOME }: Environment): Promise<string> {
  const dir = join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'spica');
  const path = join(dir, 'client-secret');
  const there = await readIfThere(path);
  if (there !== null) return there;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 });
  try {
    await link(draft, path); // whole at once, and never in the place of another
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  return readFile(path, 'utf8');
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

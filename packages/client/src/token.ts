import { createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CheckError, nullIfMissing, SpicaError } from '@spica/core';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The token of the leases of a request that has a key: the same whenever this user submits it again on this machine, so
 * that a runner that was started anew holds them again; nobody else can tell it. Throws CheckError SECRET_UNUSABLE
 * where the user's secret can be neither read nor made.
 */
export async function leaseTokenOf(pool: string, key: string, env: Environment): Promise<string> {
  const secret = await readSecret(env);
  return createHmac('sha256', secret).update(`${pool}\0${key}`).digest('hex').slice(0, 32);
}

const SECRET = /^[0-9a-f]{64}$/;

/** Made once, for this user alone. Of two that make it at once, the first wins. */
async function readSecret({ XDG_STATE_HOME }: Environment): Promise<string> {
  const dir = join(XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'spica');
  const path = join(dir, 'client-secret');
  try {
    return (await readIfThere(path)) ?? (await makeSecret(dir, path));
  } catch (error) {
    if (error instanceof SpicaError) throw error;
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new CheckError('SECRET_UNUSABLE', `${path} can be neither read nor made (${code})`, {}, error);
  }
}

async function makeSecret(dir: string, path: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600, flush: true });
    await link(draft, path); // whole at once, and never in the place of another
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return check(await readFile(path, 'utf8'), path);
}

async function readIfThere(path: string): Promise<string | null> {
  const secret = await nullIfMissing(readFile(path, 'utf8'));
  return secret === null ? null : check(secret, path);
}

/** Of an empty one, say, everybody could tell what it makes of a key. */
function check(secret: string, path: string): string {
  if (SECRET.test(secret)) return secret;
  throw new CheckError('SECRET_UNUSABLE', `${path}: expected 64 hexadecimal digits: remove it`);
}

import { readFile } from 'node:fs/promises';
import { absolutePathOf, reasonOf, UsageError } from '@spica/core';
import type { Place } from './config-file.ts';

const FILE = 'REDIS_URL_FILE';

/**
 * The environment with REDIS_URL from the file that REDIS_URL_FILE names, where it names one: a password in a file shows
 * in no list of processes. Throws UsageError CONFIG_INVALID where both are set, CONFIG_UNREADABLE.
 */
export async function readSecretFiles({ env, cwd, home }: Place): Promise<Place['env']> {
  const named = env[FILE];
  if (!named) return env;
  if (env['REDIS_URL'])
    throw new UsageError('CONFIG_INVALID', `${FILE}: expected this or REDIS_URL, got both`);
  const path = absolutePathOf(FILE, named, { base: cwd, home });
  try {
    return { ...env, REDIS_URL: (await readFile(path, 'utf8')).trim() };
  } catch (error) {
    throw new UsageError('CONFIG_UNREADABLE', `${FILE}: ${path}: ${reasonOf(error)}`, { path }, error);
  }
}

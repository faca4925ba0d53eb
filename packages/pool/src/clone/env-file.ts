import { lstat, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { CheckError, envValueOf, type Param } from '@spica/core';
import { isThere } from '../missing.ts';
import { appendLines } from './append-lines.ts';

const NAME = '.env.spica';

/**
 * Appends parameters to the `.env.spica` of an instance in the making, as lines `NAME=value`, in quotes where the value
 * needs them; its mode stays as it is. Does nothing where the template has no such file. The names and values have been
 * validated. Throws CheckError ENV_FILE_INVALID when it is not a file, or a symbolic link that leads out of the instance
 * or nowhere.
 */
export async function appendParams(root: string, params: Readonly<Record<string, Param>>): Promise<void> {
  const lines = Object.entries(params).map(([name, value]) => `${name}=${written(name, value)}`);
  if (lines.length === 0) return;
  const path = await resolveInside(root);
  if (path === null) return;
  await appendLines(path, lines);
}

/** A value in quotes where it needs them. What cannot be written has been refused by `validateParams`. */
function written(name: string, value: Param): string {
  const text = envValueOf(value);
  return typeof text === 'string' ? text : refuse(`${name}: expected ${text.expected}`);
}

/** The file that `.env.spica` is or leads to; null where there is none. */
async function resolveInside(root: string): Promise<string | null> {
  const path = join(root, NAME);
  if (!(await isThere(path))) return null;
  const [inside, target] = await Promise.all([
    realpath(root),
    realpath(path).catch((cause) => refuse('it is a symbolic link that leads nowhere', cause)),
  ]);
  if (!target.startsWith(inside + sep)) refuse('it is a symbolic link that leads out of the instance');
  if (!(await lstat(target)).isFile()) refuse('it is not a file');
  return target;
}

function refuse(reason: string, cause?: unknown): never {
  throw new CheckError('ENV_FILE_INVALID', `${NAME}: parameters cannot be added to it: ${reason}`, {}, cause);
}

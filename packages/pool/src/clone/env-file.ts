import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { CheckError, envValueOf, type Param } from '@spica/core';
import { isThere } from '../missing.ts';

const NAME = '.env.spica';
/** Resolved beforehand, so a link here was put there meanwhile; opening a pipe would wait for ever. */
const FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Appends parameters to the `.env.spica` of an instance in the making, as lines `NAME=value`, in quotes where the value
 * needs them; its mode stays as it is. Does nothing where the
 * template has no such file. The names and values have been validated. Throws CheckError ENV_FILE_INVALID when it is
 * not a file, or a symbolic link that leads out of the instance or nowhere.
 */
export async function appendParams(root: string, params: Readonly<Record<string, Param>>): Promise<void> {
  const lines = Object.entries(params).map(([name, value]) => `${name}=${written(name, value)}\n`);
  if (lines.length === 0) return;
  const path = await resolveInside(root);
  if (path === null) return;
  const reading = await open(path, constants.O_RDONLY | FLAGS);
  try {
    const { mode } = await reading.stat();
    // The file is ours alone until the instance is renamed into place, so its mode can be lifted for a moment.
    if (!(mode & constants.S_IWUSR)) await reading.chmod(mode | constants.S_IWUSR);
    await append(path, (await endsWithLineBreak(reading)) ? lines.join('') : `\n${lines.join('')}`);
    if (!(mode & constants.S_IWUSR)) await reading.chmod(mode);
  } finally {
    await reading.close();
  }
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

async function append(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_WRONLY | constants.O_APPEND | FLAGS);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

async function endsWithLineBreak(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString('latin1') === '\n';
}

function refuse(reason: string, cause?: unknown): never {
  throw new CheckError('ENV_FILE_INVALID', `${NAME}: parameters cannot be added to it: ${reason}`, {}, cause);
}

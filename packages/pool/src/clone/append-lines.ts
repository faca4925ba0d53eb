import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** It was looked at beforehand, so a link here was put there meanwhile; opening a pipe would wait for ever. */
const FLAGS = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Appends lines to a file of an instance in the making, on lines of their own; its mode stays as it is. Throws what the
 * filesystem says.
 */
export async function appendLines(path: string, lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => `${line}\n`).join('');
  const reading = await open(path, constants.O_RDONLY | FLAGS);
  try {
    const { mode } = await reading.stat();
    // The file is ours alone until the instance is renamed into place, so its mode can be lifted for a moment.
    if (!(mode & constants.S_IWUSR)) await reading.chmod(mode | constants.S_IWUSR);
    await append(path, (await endsWithLineBreak(reading)) ? text : `\n${text}`);
    if (!(mode & constants.S_IWUSR)) await reading.chmod(mode);
  } finally {
    await reading.close();
  }
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

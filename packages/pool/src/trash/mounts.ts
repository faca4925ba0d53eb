import { readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { sep } from 'node:path';

/**
 * The mount points at or below a directory, bind mounts of the same filesystem included. Source of the format:
 * proc_pid_mountinfo(5), field 5, with spaces and the like as octal escapes. Empty where there is no /proc, or no such
 * directory.
 */
export async function mountsBelow(path: string): Promise<string[]> {
  let text: string;
  let dir: string;
  try {
    dir = await realpath(path); // the kernel knows no symbolic links on the way there
    text = readFileSync('/proc/self/mountinfo', 'utf8'); // no disk that could keep one waiting
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const below = dir.endsWith(sep) ? dir : dir + sep;
  return text
    .split('\n')
    .map((line) => unescapeOctal(line.split(' ')[4] ?? ''))
    .filter((point) => point === dir || point.startsWith(below));
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

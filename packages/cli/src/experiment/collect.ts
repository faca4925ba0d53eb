import { constants } from 'node:fs';
import { copyFile, lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckError, formatBytes } from '@spica/core';
import { glob } from 'tinyglobby';

export interface CollectOptions {
  readonly patterns: readonly string[];
  /** Where they go: into a directory named after the instance. */
  readonly to: string;
  readonly mostBytes: number;
}

/**
 * Copies what of an instance matches, and resolves with how many files that were. Only regular files below the instance:
 * no link is followed. Throws CheckError COLLECT_TOO_LARGE before anything is copied.
 */
export async function collectFiles(
  { id, path }: { readonly id: string; readonly path: string },
  { patterns, to, mostBytes }: CollectOptions,
): Promise<number> {
  const found = await glob([...patterns], {
    cwd: path,
    dot: true,
    followSymbolicLinks: false,
    onlyFiles: true,
  });
  const files: string[] = [];
  let bytes = 0;
  for (const file of found) {
    const stat = await lstat(join(path, file));
    if (!stat.isFile()) continue;
    files.push(file);
    bytes += stat.size;
  }
  if (bytes > mostBytes) {
    const most = `expected at most ${formatBytes(mostBytes)} (--collect-max-gb)`;
    throw new CheckError('COLLECT_TOO_LARGE', `collect: instance ${id}: ${most}, got ${formatBytes(bytes)}`);
  }
  for (const file of files) {
    const target = join(to, id, file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(path, file), target, constants.COPYFILE_FICLONE);
  }
  return files.length;
}

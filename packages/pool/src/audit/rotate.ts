import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nullIfMissing } from '@spica/core';

/** The rotated files of a log, oldest first: `audit.jsonl.10` … `audit.jsonl.1`. */
export async function rotatedFiles(path: string): Promise<string[]> {
  const dir = dirname(path);
  const prefix = `${basename(path)}.`;
  const names = (await nullIfMissing(readdir(dir))) ?? [];
  return names
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => b - a)
    .map((number) => join(dir, `${prefix}${number}`));
}

/** Moves each file one number on and the log itself to `.1`; of the rotated ones the newest `keep` stay. */
export async function rotate(path: string, keep: number): Promise<void> {
  for (const file of await rotatedFiles(path)) {
    const number = Number(file.slice(path.length + 1));
    if (number >= keep) await rm(file);
    else await rename(file, `${path}.${number + 1}`);
  }
  await rename(path, `${path}.1`);
}

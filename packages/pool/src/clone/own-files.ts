import { chmod, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Param } from '@spica/core';
import type { JsonFile } from '../json-file.ts';
import { lineageFile, manifestFile } from '../manifest/manifest.ts';
import type { Lineage, Manifest } from '../manifest/schema.ts';
import { setTimes } from '../native/attributes.ts';
import { removeTree } from '../remove/remove-tree.ts';
import { appendParams } from './env-file.ts';

/** What the owner needs to rename and delete a directory. */
const OWNER_ALL = 0o700;

/**
 * Writes what makes a clone an instance: `lineage.json`, `manifest.json`, and its parameters. The root keeps the
 * template's times. Nothing of an instance is synced, which would cost more than the clone: after a power cut files of
 * one that had just been spawned may be empty. An instance whose manifest is empty is reported and left alone.
 */
export async function writeOwnFiles(
  root: string,
  own: {
    readonly manifest: Manifest;
    readonly lineage: Lineage;
    readonly params: Readonly<Record<string, Param>>;
  },
): Promise<void> {
  const stat = await lstat(root, { bigint: true });
  const mode = Number(stat.mode);
  // Without it a user could neither add the files nor, later, move the instance to the trash. Root needs no mode.
  if (process.geteuid?.() !== 0 && (mode & OWNER_ALL) !== OWNER_ALL) await chmod(root, mode | OWNER_ALL);
  await replace(lineageFile, join(root, 'lineage.json'), own.lineage);
  await replace(manifestFile, join(root, 'manifest.json'), own.manifest);
  await appendParams(root, own.params);
  setTimes(root, stat);
}

/** The template may have something of that name: a file or a link is replaced; a directory has to be removed first. */
async function replace<T>(file: JsonFile<T>, path: string, content: T): Promise<void> {
  await file.save(path, content).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EISDIR') throw error;
    await removeTree(path);
    await file.save(path, content);
  });
}

import { chmod, lstat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Param } from '@spica/core';
import { toText } from '../manifest/build.ts';
import type { Lineage, Manifest } from '../manifest/schema.ts';
import { setTimes } from '../native/attributes.ts';
import { removeTree } from '../remove/remove-tree.ts';
import { appendParams } from './env-file.ts';

/** What the owner needs to rename and delete a directory. */
const OWNER_ALL = 0o700;

/**
 * Writes what makes a clone an instance: `lineage.json`, `manifest.json`, and its parameters. The root keeps the
 * template's times. Nothing of an instance is synced, which would cost more than the clone: after a power cut files of
 * one that had just been spawned may be empty. An empty manifest makes it a stranger, which is told of and left alone.
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
  await replace(join(root, 'lineage.json'), toText(own.lineage));
  await replace(join(root, 'manifest.json'), toText(own.manifest));
  await appendParams(root, own.params);
  setTimes(root, stat);
}

/** The template may have something of that name: a file that is hard-linked elsewhere, a link, or a directory. */
async function replace(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: 'wx' }).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    await removeTree(path);
    await writeFile(path, text, { flag: 'wx' });
  });
}

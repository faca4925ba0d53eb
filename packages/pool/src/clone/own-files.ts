import { chmod, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Param } from '@spica/core';
import { lineageFile, manifestFile, OWN_NAMES } from '../manifest/manifest.ts';
import type { Lineage, Manifest } from '../manifest/schema.ts';
import { setTimes } from '../native/attributes.ts';
import { appendParams } from './env-file.ts';
import { excludeFromGit } from './git-exclude.ts';

/** What the owner needs to rename and delete a directory. */
const OWNER_ALL = 0o700;

/**
 * Writes what makes a clone an instance: `lineage.json`, `manifest.json`, and its parameters; git is told to pass over
 * the first two. The root keeps the template's times. Nothing of an instance is synced, which would cost more than the
 * clone: after a power cut files of one that had just been spawned may be empty. One whose manifest and record are both
 * empty is reported and left alone.
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
  await lineageFile.save(join(root, OWN_NAMES.lineage), own.lineage);
  await manifestFile.save(join(root, OWN_NAMES.manifest), own.manifest);
  await appendParams(root, own.params);
  await excludeFromGit(root);
  setTimes(root, stat);
}

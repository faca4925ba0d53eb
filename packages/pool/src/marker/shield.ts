import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isInstanceId } from '@spica/core';
import type { PoolPaths } from '../layout.ts';

/** What keeps other programs out of a pool's root, by name. */
const SHIELDS: Readonly<Record<string, string>> = {
  '.gitignore':
    '# Written by `spica init`: instances are no part of the repository that their pool lies in.\n*\n',
  // Source: https://bford.info/cachedir/
  'CACHEDIR.TAG':
    'Signature: 8a477f597d28d172789f06886806bc55\n' +
    '# Written by `spica init`: backups and the like may pass over this directory. Its instances are made, and deleted, by\n' +
    '# Spica. Remove this file to have them backed up.\n',
};

/** Whether a name directly under a pool's root is that of such a file, whoever wrote it. */
export function isShield(name: string): boolean {
  return Object.hasOwn(SHIELDS, name);
}

/**
 * Has git, programs that go by what it ignores (searches, linters, watchers), and those that know tags of caches (backups)
 * pass over a pool's root. What is there under these names stays as it is; and where the root holds anything else that
 * is not Spica's, that is not to be passed over, and nothing is written.
 */
export async function shieldRoot({ root }: PoolPaths): Promise<void> {
  if (!(await readdir(root)).every(isSpicas)) return;
  for (const [name, text] of Object.entries(SHIELDS)) {
    await writeFile(join(root, name), text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** A filesystem of its own may have a `lost+found`. */
function isSpicas(name: string): boolean {
  return name === '.spica' || name === 'lost+found' || isInstanceId(name) || isShield(name);
}

import { execa } from 'execa';

/**
 * Has the system write to the disk what it still has in memory of the filesystem that holds `dir`: one call for all of it
 * (syncfs), where syncing each file of a tree would take a call for each. Throws what `sync` says when the disk does not
 * take it, also of what was written before and failed since the last call.
 */
export async function syncFilesystem(dir: string): Promise<void> {
  await execa('sync', ['-f', '--', dir], { env: { LC_ALL: 'C' } });
}

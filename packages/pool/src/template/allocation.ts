import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { execa } from 'execa';

/** More than any filesystem keeps beside its blocks, and random, so that none makes less of it. */
const PROBE_BYTES = 65_536;
/** `%b` of find counts in these. */
const BLOCK_BYTES = 512;

/**
 * Whether the filesystem that holds `dir` tells at once how many bytes a file takes, to `find`, with which snapshots are
 * measured. ZFS tells it seconds late, NFS after the server has written, and some FUSE filesystems never do: then what was
 * copied is the least that can be reckoned with. Throws what the filesystem says.
 *
 * @param beforeAsking Done between writing and asking.
 */
export async function tellsAllocation(
  dir: string,
  beforeAsking: () => Promise<void> = async () => undefined,
): Promise<boolean> {
  const path = join(dir, `${randomBytes(8).toString('hex')}.draft`); // swept up after a crash
  try {
    await writeFile(path, randomBytes(PROBE_BYTES));
    await beforeAsking();
    return (await measureAllocated(path)) >= PROBE_BYTES;
  } finally {
    await rm(path, { force: true });
  }
}

/** What a tree takes on its disk, hard links once. Throws what execa throws. */
export async function measureAllocated(path: string): Promise<number> {
  const args = ['-P', basename(path), '-mount', '-printf', '%D:%i %b\\n'];
  const { stdout } = await execa('find', args, {
    cwd: join(path, '..'),
    env: { LC_ALL: 'C' },
    maxBuffer: 2 ** 30,
  });
  const blocks = new Map(
    stdout.split('\n').map((line): [string, number] => {
      const [inode = '', count = '0'] = line.split(' ');
      return [inode, Number(count)];
    }),
  );
  return [...blocks.values()].reduce((sum, count) => sum + count, 0) * BLOCK_BYTES;
}

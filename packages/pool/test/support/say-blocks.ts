import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { vi } from 'vitest';

/**
 * From now on `find` says that everything has so many blocks, as on filesystems that count them late (ZFS, NFS) or not at
 * all: until `vi.unstubAllEnvs`.
 */
export async function sayBlocks(dir: string, blocks: string): Promise<void> {
  vi.unstubAllEnvs();
  const { stdout: find } = await execa('which', ['find']);
  const bin = join(dir, 'bin');
  await mkdir(bin, { recursive: true });
  const script = `#!/bin/sh
n=$#
while [ $n -gt 0 ]; do
  set -- "$@" "$(printf %s "$1" | sed 's/%b/${blocks}/')"
  shift
  n=$((n - 1))
done
exec ${find} "$@"
`;
  await writeFile(join(bin, 'find'), script, { mode: 0o755 });
  vi.stubEnv('PATH', [bin, process.env['PATH']].join(delimiter));
}

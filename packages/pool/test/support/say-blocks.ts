import { vi } from 'vitest';
import { putInFront } from '../../../../test/support/in-front.ts';

/**
 * From now on `find` says that everything has so many blocks, as on filesystems that count them late (ZFS, NFS) or not at
 * all: until the test's end, or `vi.unstubAllEnvs`.
 */
export async function sayBlocks(dir: string, blocks: string): Promise<void> {
  vi.unstubAllEnvs();
  await putInFront(
    dir,
    'find',
    (find) => `n=$#
while [ $n -gt 0 ]; do
  set -- "$@" "$(printf %s "$1" | sed 's/%b/${blocks}/')"
  shift
  n=$((n - 1))
done
exec ${find} "$@"`,
  );
}

import { type PathLike, type StatFsOptions, statfsSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { readSpace } from '../../src/index.ts';

/** A filesystem as NFS and some container mounts are: 1 MB is transferred at once, and blocks are of 4 kB. */
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<typeof import('node:fs/promises')>()),
  statfs: async (path: PathLike, options?: StatFsOptions) =>
    Object.assign(statfsSync(path, options), { bsize: 1_048_576, frsize: 4_096, blocks: 1_000, bavail: 250 }),
}));

it('counts blocks in their own size, whatever is transferred at once', async () => {
  expect(await readSpace('/')).toMatchObject({ totalBytes: 4_096_000, availableBytes: 1_024_000 });
});

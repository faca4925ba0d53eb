import { statfsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { spaceFrom } from '../../src/space.ts';

// As NFS and some container mounts are: 1 MB is transferred at once, and blocks are of 4 kB.
const OVER_A_NETWORK = { bsize: 1_048_576, frsize: 4_096, blocks: 1_000, bavail: 250 };

it('counts blocks in their own size, whatever is transferred at once', () => {
  const stats = Object.assign(statfsSync('/'), OVER_A_NETWORK);
  expect(spaceFrom(stats)).toMatchObject({ totalBytes: 4_096_000, availableBytes: 1_024_000 });
});

const FIGURES = { type: 0, bsize: 4_096, frsize: 4_096, blocks: 1_000, bfree: 250, bavail: 250 };

it('takes 2^64 − 1 inodes, free or in all, for no limit, and free space below 0 for none', () => {
  const none = 2 ** 64;
  for (const inodes of [
    { files: 1_234, ffree: none },
    { files: none, ffree: none },
    { files: none, ffree: 10 },
  ]) {
    expect(spaceFrom({ ...FIGURES, ...inodes })).toMatchObject({ freeInodes: null, totalInodes: null });
  }
  const exceeded = spaceFrom({ ...FIGURES, bavail: 2 ** 64 - 8_192, files: 1_234, ffree: 0 });
  expect(exceeded).toEqual({ availableBytes: 0, totalBytes: 4_096_000, freeInodes: 0, totalInodes: 1_234 });
});

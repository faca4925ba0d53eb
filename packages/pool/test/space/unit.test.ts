import { statfsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { spaceFrom } from '../../src/space.ts';

// As NFS and some container mounts are: 1 MB is transferred at once, and blocks are of 4 kB.
const OVER_A_NETWORK = { bsize: 1_048_576, frsize: 4_096, blocks: 1_000, bavail: 250 };

it('counts blocks in their own size, whatever is transferred at once', () => {
  const stats = Object.assign(statfsSync('/'), OVER_A_NETWORK);
  expect(spaceFrom(stats)).toMatchObject({ totalBytes: 4_096_000, availableBytes: 1_024_000 });
});

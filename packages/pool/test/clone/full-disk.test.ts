import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { asNoSpace } from '../../src/clone/full-disk.ts';

it.each([
  ['a program', "cp: error writing 'x': Disk quota exceeded"],
  ['Node', 'Error: Unknown system error -122: Unknown system error -122, copyfile'],
])('a quota that is used up is told as such, when %s says so', async (_, failure) => {
  expect(await asNoSpace(failure, tmpdir(), 'a clone')).toMatchObject({
    code: 'NO_SPACE',
    message: 'a clone: the disk quota is used up',
  });
});

it('any other failure is none of space', async () => {
  expect(await asNoSpace('Error: Unknown system error -1220', tmpdir(), 'a clone')).toBeNull();
});

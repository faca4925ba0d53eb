import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { asNoSpace } from '../../src/clone/full-disk.ts';

const DISK = 'the disk is full (no space left on device)';
const QUOTA = 'the disk quota is used up';

function ofNode(message: string): Error {
  return new Error(message);
}

function ofProgram(...stderr: string[]): Error {
  return Object.assign(new Error('Command failed'), { stderr: Buffer.from(stderr.join('\n')) });
}

const CP = "cp: error writing '/t/x': No space left on device";

it.each<[who: string, said: Error, reason: string]>([
  ['Node', ofNode("ENOSPC: no space left on device, copyfile '/t/x'"), DISK],
  ['cp, among other things', ofProgram("cp: cannot open '/t/y': Permission denied", CP, ''), DISK],
  ['rsync', ofProgram('rsync: [receiver] mkstemp "/t/x" failed: No space left on device (28)', ''), DISK],
  ['Node, of a quota', ofNode('Unknown system error -122: Unknown system error -122, copyfile'), QUOTA],
  ['cp, of a quota', ofProgram("cp: error writing 'x': Disk quota exceeded"), QUOTA],
  ['rsync, of a quota', ofProgram('rsync: [receiver] write failed: Disk quota exceeded (122)'), QUOTA],
])('what ran out is told in plain words when it is said by %s', async (_, said, reason) => {
  expect(await asNoSpace(said, tmpdir(), 'a clone')).toMatchObject({
    code: 'NO_SPACE',
    message: `a clone: ${reason}`,
    cause: said,
  });
});

it.each<[why: string, said: unknown]>([
  ['another number', ofNode('Unknown system error -1220: Unknown system error -1220, open')],
  ['a name that Node tells', ofNode("EIO: i/o error, open '/t/test-fs-ENOSPC.js'")],
  ['a name of two lines', ofNode("EIO: i/o error, open '/t/x\nENOSPC: y'")],
  [
    'a name that cp tells',
    ofProgram("cp: cannot open '/t/x: No space left on device' for reading: I/O error"),
  ],
  ['a name that rsync tells', ofProgram('rsync: read errors mapping "/t/ENOSPC: x": I/O error (5)')],
  ['a reason to stop', 'No space left on device'],
])('any other failure is none of space, whatever it is about: %s', async (_, said) => {
  expect(await asNoSpace(said, tmpdir(), 'a clone')).toBeNull();
});

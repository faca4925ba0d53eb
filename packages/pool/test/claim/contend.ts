// A process that tries for a claim whenever it is told to, and says what came of it. `exit` ends it with the claim held.
import { createInterface } from 'node:readline';
import { CheckError } from '@spica/core';
import { type Claim, claim } from '../../src/claim/acquire.ts';

const [path = ''] = process.argv.slice(2);
let held: Claim | null = null;
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'release') {
    await held?.release();
    process.stdout.write('released\n');
    continue;
  }
  try {
    if (line === 'renew') {
      await held?.renew();
      process.stdout.write('still mine\n');
      continue;
    }
    held = await claim(path, {
      purpose: 'a test',
      clock: { now: () => Date.now() },
      refused: (holder) => new CheckError('TAKEN', holder),
    });
    process.stdout.write('mine\n');
  } catch (error) {
    process.stdout.write(`${error instanceof CheckError ? error.code : error}\n`);
  }
}

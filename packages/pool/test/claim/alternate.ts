// A process that takes a lock again and again and, holding it, changes a file in a way that only works alone.
import { readFileSync, writeFileSync } from 'node:fs';
import { withFileLock } from '../../src/claim/file-lock.ts';

const [lock = '', counter = '', times = ''] = process.argv.slice(2);
for (let n = 0; n < Number(times); n += 1) {
  await withFileLock(lock, async () => {
    const count = Number(readFileSync(counter, 'utf8'));
    await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(counter, String(count + 1));
  });
}

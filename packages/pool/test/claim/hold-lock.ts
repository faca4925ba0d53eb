// A process that takes a lock, says so, and never lets it go: for tests that kill it.
import { withFileLock } from '../../src/claim/file-lock.ts';

const [lock = ''] = process.argv.slice(2);
await withFileLock(lock, async () => {
  process.stdout.write('held\n');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
});

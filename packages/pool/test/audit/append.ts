// A process that appends entries, one after another, and rotates early.
import { pino } from 'pino';
import { openAudit } from '../../src/index.ts';

const [stateDir = '', name = '', count = '', rotateBytes = ''] = process.argv.slice(2);
const log = await openAudit({
  path: null,
  stateDir,
  clock: { now: () => Date.now() },
  logger: pino({ level: 'silent' }),
  rotateBytes: Number(rotateBytes),
});
const audit = log.forPool(name);
for (let n = 0; n < Number(count); n += 1) {
  await audit.append({ action: 'delete_instance', reason: `entry ${n}`, outcome: 'intent' });
  if (n === 0) process.stdout.write('begun\n');
}
await log.close();

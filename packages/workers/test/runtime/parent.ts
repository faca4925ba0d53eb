// A process that starts an embedded Redis, says which, and waits: for tests that kill it.
import { pino } from 'pino';
import { startEmbeddedRedis } from '../../src/runtime/embedded-redis.ts';

const [stateDir = ''] = process.argv.slice(2);
const { pid } = await startEmbeddedRedis({ stateDir, logger: pino({ level: 'silent' }) });
process.stdout.write(`${pid}\n`);
setInterval(() => undefined, 60_000);

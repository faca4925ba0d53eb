// Looks for who uses a pool, and says what it could not see.
import { findLiveUses, openPool, unseenOf } from '../../src/index.ts';

const [root = ''] = process.argv.slice(2);
const pool = await openPool({ name: 'main', root });
process.stdout.write(`${JSON.stringify(unseenOf(await findLiveUses(pool)))}\n`);

// A process that starts another one in a directory, and says how many instances of a pool it finds in use.
import { spawn } from 'node:child_process';
import { findLiveUses, openPool } from '../../src/index.ts';

const [root = '', dir = ''] = process.argv.slice(2);
const child = spawn('sleep', ['600'], { cwd: dir, stdio: 'ignore' });
const { byInstance } = await findLiveUses(await openPool({ name: 'main', root }));
process.stdout.write(`${byInstance.size}\n`);
child.kill();

// A process that works in a directory and makes files there every millisecond, wherever that is moved, until it is killed.
import { mkdirSync, writeFileSync } from 'node:fs';

const [dir = ''] = process.argv.slice(2);
process.chdir(dir);
process.stdout.write('begun\n');
let n = 0;
setInterval(() => {
  n += 1;
  try {
    mkdirSync(`dir-${n}`);
    writeFileSync(`dir-${n}/file`, 'x');
    writeFileSync(`file-${n}`, 'x');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw error; // deleted between two steps
  }
}, 1);

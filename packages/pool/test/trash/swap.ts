// A process that puts symbolic links to a canary in the place of a tree's directories, and back, until it is asked to stop.
import { readdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

const [tree = '', canary = ''] = process.argv.slice(2);
let swaps = 0;

/** What it works on is being deleted: each step may fail, and the next ones are tried all the same. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

function swap(name: string): void {
  const path = join(tree, name);
  if (!attempt(() => renameSync(path, `${path}.aside`))) return;
  if (attempt(() => symlinkSync(join(canary, name), path))) swaps += 1;
  attempt(() => unlinkSync(path));
  attempt(() => renameSync(`${path}.aside`, path));
}

function round(): void {
  let names: string[] = [];
  attempt(() => {
    names = readdirSync(tree).filter((name) => /^part-\d+$/.test(name));
  });
  for (const name of names) swap(name);
  timer = setImmediate(round);
}

let timer = setImmediate(round);
process.stdout.write('begun\n');
process.stdin.once('data', () => {
  clearImmediate(timer);
  process.stdout.write(`${swaps}\n`);
});

// A process that starts a program, says which, and ends it when it is told to or left alone (programs.ts).
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Program } from './programs.ts';

const { command, args, cwd, stdin, env }: Program = JSON.parse(process.argv[2] ?? '');
const file = stdin === undefined ? 'ignore' : openSync(stdin, 'r');
const child = spawn(command, args, {
  ...(cwd === undefined ? {} : { cwd }),
  env: { ...process.env, ...env },
  stdio: [file, 'ignore', 'inherit'],
});
if (typeof file === 'number') closeSync(file);
child.once('exit', () => process.exit());
process.stdin.once('end', () => child.kill()).resume();
process.stdout.write(`${child.pid}\n`);

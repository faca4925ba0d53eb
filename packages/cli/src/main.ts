#!/usr/bin/env node
import { homedir } from 'node:os';
import type { Io } from './io.ts';
import { askStack } from './quick/ask.ts';
import { workingDirectory } from './working-directory.ts';

/** What a command has left running has so long to end by itself. */
const LEFT_MS = 500;

const argv = process.argv.slice(2);
let endsAfter = false;

// A reader that has seen enough (`spica ls | head`) is no failure; data that is lost on a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  void import('./output/unwritten.ts').then(({ reportUnwritten }) =>
    process.exit(reportUnwritten(error, process.stderr, argv)),
  );
});
// What cannot be said changes nothing of what is done, nor of the exit code.
process.stderr.on('error', () => undefined);

const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: workingDirectory(),
  home: homedir(),
  signals: process,
  exit: (code) => process.exit(code),
  endAfter() {
    endsAfter = true;
  },
};
process.exitCode = (await askStack(argv, io)) ? 0 : await runHere();
if (endsAfter) setTimeout(() => process.exit(), LEFT_MS).unref();

/** Loaded only now: a command that the stack has run needs none of it. */
async function runHere(): Promise<number> {
  // To compile a check takes longer than a command's few checks take without; `spica up` makes thousands.
  if (argv.includes('up')) (await import('./stack/memory.ts')).boundMemory();
  else (await import('zod/v4/core')).config({ jitless: true });
  const { run } = await import('./run.ts');
  return run(argv, io);
}

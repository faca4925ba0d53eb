#!/usr/bin/env node
import { homedir } from 'node:os';
import { config as configureZod } from 'zod/v4/core';
import { run } from './run.ts';
import { startSmall } from './stack/memory.ts';
import { workingDirectory } from './working-directory.ts';

const argv = process.argv.slice(2);

// To compile a check takes longer than a command's few checks take without; `spica up` makes thousands.
if (argv.includes('up')) startSmall();
else configureZod({ jitless: true });

// A reader that has seen enough (`spica ls | head`) is no failure; data that is lost on a full disk is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  void import('./output/unwritten.ts').then(({ reportUnwritten }) =>
    process.exit(reportUnwritten(error, process.stderr, argv)),
  );
});
// What cannot be said changes nothing of what is done, nor of the exit code.
process.stderr.on('error', () => undefined);

process.exitCode = await run(argv, {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: workingDirectory(),
  home: homedir(),
  signals: process,
  exit: (code) => process.exit(code),
});

#!/usr/bin/env node
import { homedir } from 'node:os';
import { run } from './run.ts';

// A reader that has seen enough (`spica ls | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  signals: process,
  exit: (code) => process.exit(code),
});

import { EventEmitter } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import type { Io } from '../src/io.ts';
import { run } from '../src/run.ts';

export interface Captured extends Io {
  readonly cwd: string;
  readonly stdin: PassThrough & { readonly isTTY?: boolean };
  readonly out: () => string;
  readonly err: () => string;
  readonly exits: number[];
}

/** A process that a command can be run in, its output kept, in an empty directory of its own. */
export function capture({
  tty = false,
  env = {},
}: {
  tty?: boolean;
  env?: Record<string, string>;
} = {}): Captured {
  const cwd = mkdtempSync(join(tmpdir(), 'spica-cli-'));
  const exits: number[] = [];
  const stdout = keep(tty);
  const stderr = keep(tty);
  return {
    stdin: Object.assign(new PassThrough(), tty ? { isTTY: true } : {}),
    stdout: stdout.stream,
    stderr: stderr.stream,
    out: stdout.text,
    err: stderr.text,
    env: { SPICA_STATE_DIR: join(cwd, 'state'), ...env },
    cwd,
    home: cwd,
    signals: new EventEmitter(),
    exit: (code) => exits.push(code),
    endAfter: () => undefined,
    exits,
  };
}

function keep(tty: boolean) {
  const chunks: string[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk) => chunks.push(String(chunk)));
  return {
    stream: Object.assign(stream, tty ? { isTTY: true, columns: 120 } : {}),
    text: () => chunks.join(''),
  };
}

/** Runs one command line to its end. */
export async function runCaptured(argv: readonly string[], io: Captured = capture()) {
  const exitCode = await run(argv, io);
  return { exitCode, stdout: io.out(), stderr: io.err(), io };
}

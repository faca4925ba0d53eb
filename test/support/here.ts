import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { Io } from '../../packages/cli/src/io.ts';
import { askStack } from '../../packages/cli/src/quick/ask.ts';
import { run } from '../../packages/cli/src/run.ts';
import type { SpicaRun } from './spica.ts';

/** A deadline for a command that hangs; nothing waits for it. */
const LATE_MS = 240_000;

/**
 * Runs one `spica` command in this process, as `main.ts` does in its own: the stack is asked first. A tenth of what a
 * start takes, for tests whose point is what a command says or does. Not for `up`, `serve` and whatever is to get a signal.
 */
export async function spicaHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd = process.cwd(),
): Promise<SpicaRun> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const written = Promise.all([text(stdout), text(stderr)]);
  const exited = Promise.withResolvers<number>();
  const known = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env };
  const io: Io = {
    stdin: new PassThrough().end(),
    stdout,
    stderr,
    env: known,
    cwd,
    home: known.HOME,
    signals: new EventEmitter(),
    exit: exited.resolve,
    endAfter: () => undefined,
  };
  const ended = askStack(args, io).then((isDone) => (isDone ? 0 : run(args, io)));
  const exitCode = await Promise.race([ended, exited.promise, failWhenLate(args, stderr)]);
  stdout.end();
  stderr.end();
  const [out, err] = await written;
  return { exitCode, stdout: out.replace(/\n$/, ''), stderr: err.replace(/\n$/, '') };
}

/** Rejects with what the command has said by then; a machine whose cores are all busy takes its time. */
async function failWhenLate(args: readonly string[], stderr: PassThrough): Promise<never> {
  const said: string[] = [];
  stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  await setTimeout(LATE_MS, undefined, { ref: false });
  throw new Error(`spica ${args.join(' ')} has not ended within ${LATE_MS / 1_000} s: ${said.join('')}`);
}

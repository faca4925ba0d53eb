import { EXIT_CODES, toKnownError } from '@spica/core';
import { toRedisError } from '@spica/queues';
import { CommanderError } from 'commander';
import type { Output } from '../io.ts';
import { Interrupted } from '../wait/interrupted.ts';
import { oneLine } from './one-line.ts';

/** What Ctrl-C ends with, as a shell has it (128 + SIGINT). */
const EXIT_INTERRUPTED = 130;

/** How failures are shown. */
interface Reporting {
  readonly json: boolean;
  readonly verbose: boolean;
}

/** As the command line asks for it, whether or not it could be read as a whole. */
export function reportingOf(argv: readonly string[]): Reporting {
  return { json: argv.includes('--json'), verbose: argv.includes('--verbose') };
}

interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly kind: string;
  readonly message: string;
  readonly details: unknown;
}

/** Says on standard error what went wrong, in one line (one object with `json`), and returns the exit code. */
export function reportFailure(error: unknown, stderr: Output, { json, verbose }: Reporting): number {
  const { exitCode, ...failure } = describe(error);
  if (json) stderr.write(`${JSON.stringify({ error: failure })}\n`);
  else stderr.write(`${failure.kind === 'interrupted' ? '' : 'error: '}${printable(failure.message)}\n`);
  if (verbose && error instanceof Error) stderr.write(`${stackOf(error)}\n`);
  else if (failure.kind === 'unexpected' && !json)
    stderr.write('this is a bug in Spica; --verbose shows where\n');
  return exitCode;
}

function describe(thrown: unknown): Failure {
  const error = toRedisError(thrown, null) ?? thrown;
  const known = toKnownError(error);
  if (known) {
    const { kind, code, message, details } = known;
    return { exitCode: EXIT_CODES[kind], code, kind, message, details };
  }
  if (error instanceof Interrupted) {
    return {
      exitCode: EXIT_INTERRUPTED,
      code: 'INTERRUPTED',
      kind: 'interrupted',
      message: error.message,
      details: error.details,
    };
  }
  if (error instanceof CommanderError) {
    return { exitCode: EXIT_CODES.usage, code: 'USAGE', kind: 'usage', message: plain(error), details: {} };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { exitCode: EXIT_CODES.check, code: 'INTERNAL', kind: 'unexpected', message, details: {} };
}

/** Commander's message in one line. Where it printed the help already, there is none. */
function plain({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'a command is missing';
  return message.replace(/^error: /, '').replaceAll('\n', ' ');
}

/** Messages quote what others wrote: line by line, without control sequences. */
function printable(message: string): string {
  return message.split('\n').map(oneLine).join('\n');
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack}${cause}`;
}

import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { RunCommand } from '@spica/server';
import type { GlobalOptions, Io, Output } from '../io.ts';
import { readAsked } from './asked.ts';
import { fingerprintOf } from './fingerprint.ts';

/** To write more would keep the stack from its work for too long. */
const MOST_ROWS = 1_000;

/** What `askStack` asks for: runs the command here, as it would run there. */
export function commandRunner(io: Io, { config }: Pick<GlobalOptions, 'config'>): RunCommand {
  return async ({ argv, fingerprint, leaseToken, isTerminal, isErrorTerminal, columns }) => {
    const own = await fingerprintOf(io, config).catch(() => null);
    if (own?.digest !== fingerprint || readAsked(argv) === null) return null;
    const { run } = await import('../run.ts');
    const stdout = collect(isTerminal, columns);
    const stderr = collect(isErrorTerminal, columns);
    const file = own.file === null ? [] : [`--config=${own.file}`];
    const exitCode = await run([...file, ...argv], {
      stdin: Readable.from([]),
      stdout,
      stderr,
      env: { ...io.env, SPICA_LEASE_TOKEN: leaseToken ?? undefined },
      cwd: io.cwd,
      home: io.home,
      signals: new EventEmitter(),
      mostRows: MOST_ROWS,
      exit: () => undefined,
      endAfter: () => undefined,
    });
    // What fails is left to the command itself: it says so in the same words, and has the exit code.
    return exitCode === 0 ? { stdout: stdout.text(), stderr: stderr.text() } : null;
  };
}

function collect(isTTY: boolean, columns: number | null): Output & { text(): string } {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  return Object.assign(stream, {
    isTTY,
    ...(columns === null ? {} : { columns }),
    text: () => chunks.join(''),
  });
}

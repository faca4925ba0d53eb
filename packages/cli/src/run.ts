import { CommanderError } from 'commander';
import { readWords } from './complete/words.ts';
import type { Io } from './io.ts';
import { buildProgram } from './program.ts';

/**
 * The whole program: runs one command line and resolves with its exit code. Never throws: what goes wrong is one line
 * on standard error (an object with `--json`), and the exit code says of which kind it was.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const words = readWords(argv);
  if (words) return (await import('./complete/answer.ts')).complete(io, words);
  const program = buildProgram(io);
  try {
    await program.command.parseAsync(argv, { from: 'user' });
    return program.exitCode();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help, --version
    const { reportFailure, reportingOf } = await import('./output/failure.ts');
    return reportFailure(error, io.stderr, reportingOf(argv));
  }
}

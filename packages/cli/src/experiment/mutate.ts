import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { text } from 'node:stream/consumers';
import { CheckError } from '@spica/core';
import { boundToUs } from '@spica/pool';
import type { Output } from '../io.ts';
import { type Params, readCandidateLines } from './candidates.ts';
import type { RunResult } from './result.ts';

/** What the next generation is made of: it stands on the command's standard input, as one line of JSON. */
export interface Bred {
  /** The number of the next one. */
  readonly generation: number;
  readonly champion: RunResult;
  /** All so far, in the order in which they ended. */
  readonly results: readonly RunResult[];
}

export type Mutate = (bred: Bred, signal: AbortSignal) => Promise<readonly Params[]>;

export interface MutateOptions {
  /** A line for `sh`. */
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: Output;
}

/**
 * Makes the candidates of a generation with a command of the user's, which prints an object of parameters a line. It gets
 * what there is to know as JSON on its standard input, and of the champion in its environment. Throws CheckError
 * MUTATE_FAILED that says how it ended or which line is no candidate, and the signal's reason.
 */
export function mutateBy({ command, cwd, env, stderr }: MutateOptions): Mutate {
  return async (bred, signal) => {
    signal.throwIfAborted();
    const { generation, champion } = bred;
    const child = spawn(...boundToUs('sh', ['-c', command]), {
      cwd,
      env: {
        ...env,
        SPICA_GENERATION: String(generation),
        SPICA_CHAMPION: champion.instance ?? '',
        SPICA_CHAMPION_PATH: champion.path ?? '',
        SPICA_CHAMPION_SCORE: String(champion.score),
      },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const end = () => endGroup(child);
    signal.addEventListener('abort', end, { once: true });
    try {
      const { promise: ended, resolve, reject } = Promise.withResolvers<number>();
      child.once('error', reject);
      child.once('close', (code, by) => resolve(code ?? 128 + (by ? constants.signals[by] : 0)));
      child.stdin.on('error', () => undefined); // it need not read
      child.stdin.end(`${JSON.stringify(bred)}\n`);
      child.stderr.on('data', (chunk: Buffer) => stderr.write(chunk));
      const [printed, code] = await Promise.all([text(child.stdout), ended]);
      signal.throwIfAborted();
      if (code !== 0) throw failed(generation, `\`${command}\` ended with ${code}`);
      return readCandidateLines(printed, (why) => failed(generation, why));
    } finally {
      signal.removeEventListener('abort', end);
    }
  };
}

function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended already
  }
}

function failed(generation: number, why: string): CheckError {
  return new CheckError('MUTATE_FAILED', `--mutate: generation ${generation}: ${why}`, { generation });
}

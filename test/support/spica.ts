import { on } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, type Options } from 'execa';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The command: as it is installed where `npm test` has just built it (SPICA_TEST_BUNDLE), which takes a fifth of the time;
 * else its sources.
 */
export const MAIN = join(
  CHECKOUT,
  process.env['SPICA_TEST_BUNDLE'] ? 'dist/spica/lib/spica.js' : 'packages/cli/src/main.ts',
);

/** Where what V8 has compiled is kept, whatever home a test has. */
const CACHE = join(CHECKOUT, 'node_modules/.cache');

/** For programs that a test starts many times from their sources: it halves what a start takes. */
export const COMPILED = { NODE_COMPILE_CACHE: join(CACHE, 'tests') } as const;

export interface SpicaRun {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one `spica` command as a user would, to its end; in this directory where one is given. */
export async function spica(
  args: readonly string[],
  env: Record<string, string>,
  cwd = process.cwd(),
): Promise<SpicaRun> {
  const result = await execa(process.execPath, [MAIN, ...args], { ...base(env), cwd, timeout: 60_000 });
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr };
}

export interface Up {
  readonly pid: number;
  /** Resolves once the process has ended. */
  readonly ended: Promise<{ exitCode: number | undefined; signal: string | undefined; stderr: string }>;
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

interface BegunUp extends Up {
  /** Resolves once it says so on standard error, from this call on. Rejects when it ends before. */
  said(text: string): Promise<void>;
}

/** Starts `spica up` and waits until all of it is: its pools, and the API. */
export async function spicaUp(env: Record<string, string>, cwd = process.cwd()): Promise<Up> {
  const up = beginUp(env, cwd);
  await up.said('spica is up');
  return up;
}

/** Starts `spica up`, and waits for nothing. */
export function beginUp(env: Record<string, string>, cwd = process.cwd()): BegunUp {
  // Not killed 5 s after a SIGTERM, as execa would do: one that does not end is to be seen.
  const options = { ...base(env), cwd, forceKillAfterDelay: false } as const;
  const child = execa(process.execPath, [MAIN, 'up'], options);
  const ended = child.then(({ exitCode, signal, stderr }) => ({ exitCode, signal, stderr }));
  return {
    pid: child.pid ?? 0,
    ended,
    async said(text) {
      let output = '';
      for await (const chunk of on(child.stderr, 'data', { close: ['end'] })) {
        output += String(chunk);
        if (output.includes(text)) return;
      }
      throw new Error(`spica up ended early:\n${output}`);
    },
    signal: (signal) => child.kill(signal),
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

function base(env: Record<string, string>) {
  return {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', XDG_CACHE_HOME: CACHE, ...env },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  } as const satisfies Options;
}

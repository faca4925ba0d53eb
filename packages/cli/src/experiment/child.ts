import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { boundToUs } from '@spica/pool';

/** How a command ended. `code` is what a shell has: 126 and 127 where it could not be started, 128 + N by a signal. */
export interface ChildEnd {
  readonly code: number;
  /** Why Spica ended it; null where it ended by itself. */
  readonly stopped: string | null;
}

export interface ChildOptions {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Null: it has the terminal, or whatever this process reads and writes. */
  readonly onLine: ((line: string, from: 'stdout' | 'stderr') => void) | null;
  readonly timeLimitMs: number | null;
  /** Ends it, with the signal's reason. */
  readonly signal: AbortSignal;
  /** Ends it with SIGKILL, in the moment of the abort. */
  readonly atOnce: AbortSignal;
}

/** After SIGTERM it has so long to end. */
const GRACE_MS = 5_000;

/**
 * Runs a command to its end. It is the leader of a process group, which is ended as a whole: with SIGTERM, and SIGKILL
 * after 5 s; by the kernel where this process is killed itself. Only where it has the terminal it stays in this one's group, or it could not read from there.
 */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { command, cwd, env, onLine, timeLimitMs, signal, atOnce } = options;
  const hasTerminal = onLine === null && process.stdin.isTTY === true;
  const [file, ...args] = command;
  const child = spawn(...boundToUs(file, args), {
    cwd,
    env,
    stdio: onLine === null ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    detached: !hasTerminal,
  });
  const reading = [readLines(child, 'stdout', onLine), readLines(child, 'stderr', onLine)];
  let stopped: string | null = null;
  const timers: NodeJS.Timeout[] = [];
  const stop = (reason: string) => {
    if (stopped !== null) return;
    stopped = reason;
    kill(child, 'SIGTERM', !hasTerminal);
    timers.push(setTimeout(() => kill(child, 'SIGKILL', !hasTerminal), GRACE_MS));
  };
  const aborted = () => stop(signal.reason instanceof Error ? signal.reason.message : String(signal.reason));
  if (timeLimitMs !== null) timers.push(setTimeout(() => stop('its time limit is over'), timeLimitMs));
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  const killed = () => kill(child, 'SIGKILL', !hasTerminal);
  atOnce.addEventListener('abort', killed, { once: true });
  try {
    const code = await endOf(child);
    await Promise.all(reading);
    // What it has started, and left behind, ends with it.
    if (!hasTerminal) kill(child, 'SIGKILL', true);
    return { code, stopped };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
    atOnce.removeEventListener('abort', killed);
  }
}

async function endOf(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  // Of setpriv there is none: it ends with 126 or 127 where it cannot start the command.
  child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 127 : 126));
  child.once('exit', (code, by) => resolve(code ?? 128 + (by ? constants.signals[by] : 0)));
  return promise;
}

async function readLines(
  child: ChildProcess,
  from: 'stdout' | 'stderr',
  onLine: ChildOptions['onLine'],
): Promise<void> {
  const stream = child[from];
  if (!stream || !onLine) return;
  for await (const line of createInterface({ input: stream })) onLine(line, from);
}

function kill({ pid }: ChildProcess, signal: NodeJS.Signals, group: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended already
  }
}

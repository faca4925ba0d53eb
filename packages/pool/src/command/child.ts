import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { boundToUs } from '../bound.ts';

/** How a command ended. `code` is what a shell has: 126 and 127 where it could not be started, 128 + N by a signal. */
export interface ChildEnd {
  readonly code: number;
  /** Why Spica ended it; null where it ended by itself. */
  readonly stopped: string | null;
}

/** Who gets what a command prints: line by line, or as it comes; null where it has the terminal, or whatever we have. */
export type ChildOutput =
  | { readonly onLine: (line: string, from: 'stdout' | 'stderr') => void }
  | { readonly onData: (chunk: Buffer) => void }
  | null;

export interface ChildOptions {
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly output: ChildOutput;
  /** It sees to its end by itself where this process is killed. */
  readonly isBound?: boolean;
  readonly timeLimitMs: number | null;
  /** After SIGTERM it has so long to end. */
  readonly graceMs?: number;
  /** Ends it, with the signal's reason. */
  readonly signal: AbortSignal;
  /** Ends it with SIGKILL, in the moment of the abort. */
  readonly atOnce?: AbortSignal;
  /** Called when it has ended, to end what it left outside of its process group. */
  readonly onExit?: () => Promise<void>;
}

const GRACE_MS = 5_000;
/** What holds its output open for longer than this after its end is not waited for. */
const DRAIN_MS = 1_000;

/**
 * Runs a command to its end. It is the leader of a process group, which is ended as a whole: with SIGTERM, and SIGKILL
 * after the grace; by the kernel where this process is killed itself. Only where it has the terminal it stays in this
 * one's group, or it could not read from there.
 */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { command, cwd, env, output, timeLimitMs, graceMs = GRACE_MS, signal, atOnce } = options;
  const hasTerminal = output === null && process.stdin.isTTY === true;
  const [file, ...args] = command;
  const bound: [string, string[]] = options.isBound ? [file, args] : boundToUs(file, args);
  const child = spawn(...bound, {
    cwd,
    env,
    stdio: output === null ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    detached: !hasTerminal,
  });
  const reading = Promise.all([read(child, 'stdout', output), read(child, 'stderr', output)]);
  let stopped: string | null = null;
  const timers: NodeJS.Timeout[] = [];
  const stop = (reason: string) => {
    if (stopped !== null) return;
    stopped = reason;
    kill(child, 'SIGTERM', !hasTerminal);
    timers.push(setTimeout(() => kill(child, 'SIGKILL', !hasTerminal), graceMs));
  };
  const aborted = () => stop(signal.reason instanceof Error ? signal.reason.message : String(signal.reason));
  if (timeLimitMs !== null) timers.push(setTimeout(() => stop('its time limit is over'), timeLimitMs));
  if (signal.aborted) aborted();
  signal.addEventListener('abort', aborted, { once: true });
  const killed = () => kill(child, 'SIGKILL', !hasTerminal);
  atOnce?.addEventListener('abort', killed, { once: true });
  try {
    const code = await endOf(child);
    // What it has started, and left behind, ends with it: before the output does, which that may hold open.
    if (!hasTerminal) kill(child, 'SIGKILL', true);
    await options.onExit?.();
    await Promise.race([reading, sleep(DRAIN_MS, undefined, { ref: false })]);
    return { code, stopped };
  } finally {
    child.stdout?.destroy();
    child.stderr?.destroy();
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
    atOnce?.removeEventListener('abort', killed);
  }
}

async function endOf(child: ChildProcess): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  // Of setpriv there is none: it ends with 126 or 127 where it cannot start the command.
  child.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ENOENT' ? 127 : 126));
  child.once('exit', (code, by) => resolve(code ?? 128 + (by ? constants.signals[by] : 0)));
  return promise;
}

async function read(child: ChildProcess, from: 'stdout' | 'stderr', output: ChildOutput): Promise<void> {
  const stream = child[from];
  if (!stream || !output) return;
  if ('onLine' in output) {
    for await (const line of createInterface({ input: stream })) output.onLine(line, from);
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.on('data', output.onData).once('close', resolve);
  await promise;
}

function kill({ pid }: ChildProcess, signal: NodeJS.Signals, group: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended already
  }
}

import type { Argv } from '@spica/core';
import { canBind } from '../bound.ts';
import type { Pool } from '../layout.ts';
import { type ChildEnd, runChild } from './child.ts';
import { endMarked, MARK } from './marked.ts';
import { createOutput } from './output.ts';

export interface CommandOptions {
  readonly argv: Argv;
  readonly cwd: string;
  /** What it is told beside the environment of this process (`baseEnvironment`). */
  readonly env: Readonly<Record<string, string>>;
  /** Tells its processes from all others: `markOf` the directory that it works in. */
  readonly mark: string;
  readonly timeoutMs: number;
  /** Ends it: look at it afterwards. */
  readonly signal?: AbortSignal;
}

export interface CommandEnd extends ChildEnd {
  /** It was ended for taking too long. */
  readonly timedOut: boolean;
  /** The end of what it printed, on both streams. */
  readonly output: string;
}

/** Shorter than what a worker that ends leaves to its jobs. */
const GRACE_MS = 3_000;

/**
 * Runs a command of the config to its end, and has nothing of it left when it resolves: its process group is ended with
 * SIGTERM, then SIGKILL, where it takes too long or the signal comes, and with SIGKILL what it left in the background;
 * also what has left the group. Where this process is killed itself, the kernel tells the group's leader, which ends it.
 */
export async function runCommand(options: CommandOptions): Promise<CommandEnd> {
  const { argv, cwd, env, mark, timeoutMs, signal } = options;
  const never = new AbortController().signal;
  const kept = createOutput();
  await endMarked(mark); // of a run that was cut off
  const limit = AbortSignal.timeout(timeoutMs);
  const end = await runChild({
    command: underGuard(argv),
    isBound: true,
    cwd,
    env: { ...baseEnvironment(process.env), ...env, [MARK]: mark },
    output: { onData: kept.add },
    timeLimitMs: null,
    graceMs: GRACE_MS,
    signal: AbortSignal.any([signal ?? never, limit]),
    onExit: async () => void (await endMarked(mark)),
  });
  const timedOut = end.stopped !== null && limit.aborted && !signal?.aborted;
  return { ...end, timedOut, output: kept.text() };
}

/**
 * The kernel can tell one process that its parent is gone, not a group: a shell leads the group and ends it then. It
 * reads nothing of the command, and passes its exit code on; `wait` returns early for a signal, so it is asked again.
 */
const GUARD = `
trap 'kill -KILL 0' USR1
trap : TERM INT HUP
"$@" &
pid=$!
wait "$pid"
code=$?
while kill -0 "$pid" 2>/dev/null; do wait "$pid"; code=$?; done
exit "$code"
`;

/**
 * A command in a process group that ends as a whole with this process, even when that is killed: for `runChild` with
 * `isBound`. It reads nothing: its standard input is empty. Where there is no `setpriv`, the group goes on.
 */
export function underGuard(argv: Argv): Argv {
  const guarded: Argv = ['sh', '-c', GUARD, 'sh', ...argv];
  return canBind() ? ['setpriv', '--pdeathsig', 'USR1', '--', ...guarded] : guarded;
}

/** Nothing of ours: where Redis is, with its password, and what configures Spica. */
function baseEnvironment(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name !== 'REDIS_URL' && !name.startsWith('SPICA_')),
  );
}

/** The mark of commands that work in a directory of a pool; what begins all marks of the pool where it is not given. */
export function markOf(pool: Pick<Pool, 'id' | 'paths'>, path = pool.paths.root): string {
  return `${pool.id}:${path}/`;
}

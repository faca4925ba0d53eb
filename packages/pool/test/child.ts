import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';

/** A process of our own kind, for what takes more than one. */
export interface Child {
  readonly pid: number;
  /** The next line that it prints; rejects when it ends without one. */
  next(): Promise<string>;
  /** Tells it a line, and resolves with its answer. */
  ask(line: string): Promise<string>;
  /** Resolves once it has ended. Rejects when it failed. */
  readonly ended: Promise<unknown>;
  /** Kills it with SIGKILL; resolves once it is gone. */
  kill(): Promise<void>;
}

/** Starts a script in Node, by another program where one is given. It does not outlive the test. */
export function startChild(script: URL, args: readonly string[], by: readonly string[] = []): Child {
  const [program = '', ...rest] = [...by, process.execPath, fileURLToPath(script), ...args];
  const child = execa(program, rest, { stdin: 'pipe' });
  const lines = child.iterable()[Symbol.asyncIterator]();
  child.catch(() => undefined); // whoever waits for it is told
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended before it said anything`);
    return value;
  };
  const kill = async () => {
    child.kill('SIGKILL');
    await child.catch(() => undefined); // killed on purpose
  };
  onTestFinished(kill);
  return {
    pid: child.pid ?? 0,
    next,
    ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    ended: child,
    kill,
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** A file that it has open as its input. */
  readonly stdin?: string;
  /** Further variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts a program as a user would: its parent is another process than the test's. It runs when this resolves, since
 * Node's `spawn` waits for its `exec`; it ends with the test at the latest, and is gone when `end` resolves.
 */
export async function startElsewhere(
  program: Program,
): Promise<{ readonly pid: number; end(): Promise<void> }> {
  const script = fileURLToPath(new URL('./start-program.ts', import.meta.url));
  const parent = spawn(process.execPath, [script, JSON.stringify(program)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(parent, 'exit');
  const end = async () => {
    parent.stdin.end();
    await ended;
  };
  onTestFinished(end);
  const line = await Promise.race([once(parent.stdout, 'data'), ended.then(() => null)]);
  if (line === null) throw new Error(`${program.command} could not be started`);
  return { pid: Number(String(line[0])), end };
}

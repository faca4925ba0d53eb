import { spawn } from 'node:child_process';

/** A program at a real terminal. */
export interface Pty extends AsyncDisposable {
  /** All that it has written. */
  text(): string;
  write(text: string): void;
  /** Its exit code. */
  readonly ended: Promise<number | null>;
}

/** Runs a line of shell at a terminal of 24 rows and 100 columns, which `script` makes. */
export function startPty(line: string, env: Record<string, string>): Pty {
  const command = `stty rows 24 cols 100; ${line}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const chunks: string[] = [];
  child.stdout.on('data', (chunk) => chunks.push(String(chunk)));
  child.stdin.on('error', () => undefined); // it has ended
  child.once('close', resolve);
  return {
    text: () => chunks.join(''),
    write: (text) => child.stdin.write(text),
    ended: promise,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL'); // and with it goes the terminal, of which the kernel tells what runs there
      child.stdout.destroy();
      child.stdin.destroy();
      await promise;
    },
  };
}

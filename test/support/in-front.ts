import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished, vi } from 'vitest';

/**
 * Puts a script of `sh` in front of a program, for whatever this process starts from now on until the test's end, or until
 * `vi.unstubAllEnvs`. `body` gets the path of the real one, and gives the lines. `dir` gets a directory of programs.
 */
export async function putInFront(
  dir: string,
  program: string,
  body: (real: string) => string,
): Promise<void> {
  const { stdout: real } = await execa('which', [program]);
  const bin = join(dir, 'in-front');
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, program), `#!/bin/sh\n${body(real)}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', [bin, process.env['PATH']].join(delimiter));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
}

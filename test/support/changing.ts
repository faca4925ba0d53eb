import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished, vi } from 'vitest';

/**
 * From now on until the test's end a file changes just before each rsync that is started, which finds it so: one that is
 * written all the time may stand still meanwhile, where its writer waits for the disk. `dir` gets a directory of programs.
 */
export async function changeBeforeEachRsync(dir: string, file: string): Promise<void> {
  const { stdout: rsync } = await execa('which', ['rsync']);
  const bin = join(dir, 'changing');
  await mkdir(bin);
  const script = `#!/bin/sh\ndate +%N >'${file}'\nexec ${rsync} "$@"\n`;
  await writeFile(join(bin, 'rsync'), script, { mode: 0o755 });
  vi.stubEnv('PATH', [bin, process.env['PATH']].join(delimiter));
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
}

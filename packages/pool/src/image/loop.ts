import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { runTool, tryTool } from './tool.ts';

/** The loop devices that a file is attached to, by its inode: whatever it was called when that was done. */
export async function loopsOf(file: string): Promise<string[]> {
  const stdout = await runTool(`the loop devices of ${file}`, 'losetup', [
    '--associated',
    file,
    '--noheadings',
    '--output',
    'NAME',
  ]);
  return stdout
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Attaches a file to a free loop device, past the host's cache where its filesystem allows that. */
export async function attachLoop(file: string): Promise<string> {
  const args = ['--find', '--show'];
  const direct = await tryTool('losetup', [...args, '--direct-io=on', file]);
  if (!direct.failed) return direct.stdout.trim();
  return (await runTool(`${file} could not be attached to a loop device`, 'losetup', [...args, file])).trim();
}

/** Gives a loop device up: one that is mounted once it is not any more. */
export async function detachLoop(device: string): Promise<void> {
  await runTool(`${device} could not be detached`, 'losetup', ['--detach', device]);
}

/**
 * The file behind a loop device by the name that it has now; null where the device is none or has none. The kernel adds
 * ` (deleted)` to one that is gone.
 */
export function backingFileOf(device: string): string | null {
  try {
    return readFileSync(`/sys/block/${basename(device)}/loop/backing_file`, 'utf8').replace(/\n$/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

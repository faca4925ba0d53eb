import { execa } from 'execa';
import { inBackground } from '../background.ts';
import { markOwn } from '../live/own-programs.ts';

/** A line of `btrfs filesystem du -s --raw`: total, exclusive, set shared, name. */
const LINE = /^\s*\d+\s+(\d+)\s+\S+\s+(spica-[0-9a-f.]+)$/gm;

/**
 * The bytes of btrfs snapshots in a directory that they share with nothing else, by name: what their deletion brings back. What has not
 * been written out yet is not among them. Those that vanished, or of which the filesystem does not tell (no btrfs-progs,
 * no right to look), are missing.
 */
export async function exclusiveBytes(
  dir: string,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  if (names.length === 0) return new Map();
  const [command, args] = inBackground('btrfs', ['filesystem', 'du', '-s', '--raw', '--', ...names]);
  const { stdout } = await markOwn(
    execa(command, args, {
      cwd: dir,
      env: { LC_ALL: 'C' },
      stdin: 'ignore',
      stderr: 'ignore',
      reject: false, // one that vanished ends it with 1, and the others are measured
      ...(signal ? { cancelSignal: signal } : {}),
    }),
  );
  signal?.throwIfAborted();
  return new Map([...(stdout ?? '').matchAll(LINE)].map(([, bytes, name]) => [name ?? '', Number(bytes)]));
}

import { execa } from 'execa';

/** `nobody`, who is on every system. */
const NOBODY = 65_534;

/**
 * Does something as an ordinary user, who first gets `owned` and all in it, unless that is null. Programs started
 * meanwhile run as that user too. For root only.
 */
export async function asUser<T>(owned: string | null, work: () => Promise<T>): Promise<T> {
  if (owned !== null) await execa('chown', ['-R', `${NOBODY}:${NOBODY}`, '--', owned]);
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}

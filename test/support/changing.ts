import { putInFront } from './in-front.ts';

/**
 * From now on until the test's end a file changes just before each rsync that is started, which finds it so: one that is
 * written all the time may stand still meanwhile, where its writer waits for the disk. `dir` gets a directory of programs.
 */
export function changeBeforeEachRsync(dir: string, file: string): Promise<void> {
  return putInFront(dir, 'rsync', (rsync) => `date +%N >'${file}'\nexec ${rsync} "$@"`);
}

import { readFileSync } from 'node:fs';

/** Whether a process runs. One that has ended, but whose parent has not asked yet, does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // The name may hold blanks and parentheses: the state is what follows the last one.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'ENOENT') return false;
    throw error;
  }
}

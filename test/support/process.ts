import { readdirSync, readFileSync } from 'node:fs';

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

export interface FoundProcess {
  readonly pid: number;
  readonly command: string;
}

/** The processes that were started with this text among their arguments, a path for example. */
export function processesAbout(text: string): FoundProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({ pid: Number(pid), command: readCommandLine(pid) }))
    .filter(({ command }) => command.includes(text));
}

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return ''; // it has ended
    throw error;
  }
}

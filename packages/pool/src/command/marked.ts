import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { unlessUnseen } from '../live/gone.ts';

/** Tells the processes of one of our commands, whatever process group they have put themselves into. */
export const MARK = 'SPICA_COMMAND_OF';
/** What was being started while we looked is met the next time; each round ends all there are. */
const ROUNDS = 10;

/**
 * Ends, with SIGKILL, all processes that were started by a command whose mark begins with this: also those that have left
 * its process group, or that outlived the process that had started it. Those of other users cannot be seen, and a process
 * that has cleared its environment cannot be told. Resolves with how many were ended.
 */
export async function endMarked(mark: string): Promise<number> {
  let ended = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = findMarked(mark);
    if (pids.length === 0) return ended;
    for (const pid of pids) if (end(pid)) ended += 1;
    await setImmediate();
  }
  return ended;
}

function findMarked(mark: string): number[] {
  const names = unlessUnseen(() => readdirSync('/proc')) ?? [];
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.filter((pid) => pid !== process.pid && isMarked(pid, mark));
}

/** A process that has ended, and that nobody has waited for, has no environment. */
function isMarked(pid: number, mark: string): boolean {
  const environment = unlessUnseen(() => readFileSync(`/proc/${pid}/environ`, 'latin1')) ?? '';
  const wanted = Buffer.from(`${MARK}=${mark}`).toString('latin1');
  return environment.startsWith(wanted) || environment.includes(`\0${wanted}`);
}

function end(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

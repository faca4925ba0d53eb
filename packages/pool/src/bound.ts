import { spawnSync } from 'node:child_process';

const BIND = ['--pdeathsig', 'KILL', '--'];

let isAble: boolean | undefined;

/** Whether there is a `setpriv` that can have the kernel send a program a signal when this process is gone. */
export function canBind(): boolean {
  isAble ??= spawnSync('setpriv', [...BIND, 'true']).status === 0;
  return isAble;
}

/**
 * A command that the kernel ends with this process, even when that is killed: whoever cleans up after us must not meet
 * a copy that goes on. Where there is no `setpriv` that can do so, the command as it is.
 */
export function boundToUs(command: string, args: readonly string[]): [command: string, args: string[]] {
  return canBind() ? ['setpriv', [...BIND, command, ...args]] : [command, [...args]];
}

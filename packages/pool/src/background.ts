import { spawnSync } from 'node:child_process';

/** The lowest best-effort priority: the idle class might wait for ever on a disk that is never idle. */
const LOW_PRIORITY = ['-c', '2', '-n', '7'];

let isAllowed: boolean | undefined;

/** A command that lets others have the disk first, where there is an `ionice` and it may be used. */
export function inBackground(command: string, args: readonly string[]): [command: string, args: string[]] {
  // Tried, not looked for: where a container forbids it, `ionice` fails and never runs the command.
  isAllowed ??= spawnSync('ionice', [...LOW_PRIORITY, 'true']).status === 0;
  return isAllowed ? ['ionice', [...LOW_PRIORITY, command, ...args]] : [command, [...args]];
}

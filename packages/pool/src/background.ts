import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

let ionice: string | null | undefined;

/** A command that lets others have the disk first, where util-linux's `ionice` exists (class 3, idle). */
export function inBackground(command: string, args: readonly string[]): [command: string, args: string[]] {
  ionice ??= find('ionice');
  return ionice === null ? [command, [...args]] : [ionice, ['-c', '3', command, ...args]];
}

function find(program: string): string | null {
  for (const dir of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(dir, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not there: look on
    }
  }
  return null;
}

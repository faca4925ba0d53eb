import { accessSync, constants } from 'node:fs';

/**
 * The directory that the command was started in; null where it is gone, as for a shell in an instance that was pruned.
 * Where it is gone, or closed to this user, as the home that `sudo -u` was called in, the process moves to `/`: the programs
 * that it starts could not start there.
 */
export function workingDirectory(): string | null {
  const started = startedIn();
  if (started === null || !mayEnter(started)) process.chdir('/');
  return started;
}

function startedIn(): string | null {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
}

function mayEnter(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

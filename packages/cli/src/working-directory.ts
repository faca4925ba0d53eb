/**
 * The directory that the command was started in; null where it is gone, as for a shell in an instance that was pruned.
 * Then the process moves to `/`: the programs that it starts need some directory.
 */
export function workingDirectory(): string | null {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    process.chdir('/');
    return null;
  }
}

import { execa, type Options } from 'execa';

/** Docker's compose, as a plugin or as the program that Debian has; null where there is neither. */
export async function findCompose(): Promise<readonly [string, ...string[]] | null> {
  for (const command of [['docker', 'compose'], ['docker-compose']] as const) {
    const [program, ...args] = command;
    const { failed } = await execa(program, [...args, 'version'], { reject: false });
    if (!failed) return command;
  }
  return null;
}

/** Runs compose over the checkout's file, under a project name of its own. Throws with what it said where it fails. */
export function composeIn(
  command: readonly [string, ...string[]],
  project: string,
  env: Record<string, string>,
) {
  const [program, ...before] = command;
  const options = { cwd: new URL('../..', import.meta.url), env, stdin: 'ignore' } satisfies Options;
  return async (...args: string[]) => {
    const { stdout } = await execa(program, [...before, '-p', project, ...args], options);
    return stdout;
  };
}

/** What Debian's package manager says where no mirror of it can be reached. */
export const NO_MIRROR =
  /Could not (resolve|connect)|Temporary failure resolving|Unable to fetch|Unable to locate package/;

import { access, constants, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Why a command cannot be started, with the exit code that a shell has for it. */
export interface NotStartable {
  readonly code: 126 | 127;
  readonly why: string;
}

/** Where `execvp` looks for a program whose environment has no PATH. */
const DEFAULT_PATH = '/bin:/usr/bin';

/**
 * Why a command's program cannot be started in a directory, in words for people; null where it can, as far as its file says.
 * It is looked for as `execvp` does: in the PATH that the command gets, or where its name has a slash, from `cwd` on.
 */
export async function whyNotStartable(
  [name]: readonly [string, ...string[]],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<NotStartable | null> {
  const isPath = name.includes('/');
  const dirs = isPath ? ['.'] : (env['PATH'] ?? DEFAULT_PATH).split(':');
  let refused: string | null = null;
  for (const dir of dirs) {
    const file = resolve(cwd, dir, name);
    const found = await look(file);
    if (found === 'program') return null;
    if (found === 'no program') refused ??= file;
  }
  if (refused !== null)
    return { code: 126, why: `${refused} cannot be run: it is no file that this user may execute` };
  return { code: 127, why: `there is no command "${name}"${isPath ? '' : ' in any directory of PATH'}` };
}

async function look(file: string): Promise<'program' | 'no program' | 'nothing'> {
  try {
    if (!(await stat(file)).isFile()) return 'no program';
    await access(file, constants.X_OK);
    return 'program';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'no program' : 'nothing';
  }
}

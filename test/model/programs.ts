import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { step } from './crash.ts';

type Execa = (program: string, args: readonly string[], options?: object) => unknown;

/**
 * Stands in for the programs that clone and delete, by Node's own calls: a process each would take nine tenths of the
 * time of a sequence. Deleting is cut off between any two entries when a life ends. Whatever else is passed on.
 */
export function standInFor(execa: Execa): Execa {
  return (program, args, options) => {
    const [name, ...rest] = programOf(program, args);
    const [last = '', from = ''] = [rest.at(-1), rest.at(-2)];
    if (name === 'cp') return copy(from, last);
    if (name === 'rm') return toChild(remove(last));
    if (name === 'find') return Object.assign(Promise.resolve(FOUND_NOTHING), { stdout: [] });
    return execa(program, args, options);
  };
}

/** Real programs, each of them a step: one that has not begun when a life ends does not begin. */
export function steppingBefore(execa: Execa): Execa {
  return (program, args, options) => {
    try {
      step();
    } catch (error) {
      return toChild(Promise.reject(error));
    }
    return execa(program, args, options);
  };
}

/** What is run in the end, by programs that run another. */
function programOf(program: string, args: readonly string[]): readonly string[] {
  if (program === 'ionice') return withoutOptions(args);
  if (program === 'setpriv') return args.slice(args.indexOf('--') + 1);
  return [program, ...args];
}

/** `ionice -c 2 -n 7 rm …`: from the program that it is to run. */
function withoutOptions(args: readonly string[]): readonly string[] {
  const isOption = (arg = '') => arg.startsWith('-');
  return args.slice(args.findIndex((arg, i) => !isOption(arg) && !isOption(args[i - 1])));
}

/** Nobody here asks how large an instance is: what is not measured counts as 0 bytes. */
const FOUND_NOTHING = { exitCode: 0, stderr: '' };

/** As a process that copied it would end. */
async function copy(from: string, to: string): Promise<object> {
  step();
  await cp(from, to, { recursive: true, verbatimSymlinks: true, errorOnExist: true });
  return { failed: false, exitCode: 0, stderr: '' };
}

type Marked = typeof import('../../packages/pool/src/command/marked.ts');

/**
 * Stands in for the search for processes of set-up commands: there are none here. To look through all processes of the
 * machine at each start of a worker would take a third of the time of a sequence.
 */
export function withoutSetUps(marked: Marked): Marked {
  return { ...marked, endMarked: async () => 0 };
}

async function remove(path: string): Promise<void> {
  const names = await readdir(path).catch(() => []); // as `rm -f`: what is not there is deleted already
  for (const name of names) await rm(join(path, name), { recursive: true, force: true });
  await rm(path, { recursive: true, force: true });
}

/** A process as `removeTree` looks at it: how it ended, and it complains of nothing. */
function toChild(work: Promise<void>) {
  const end = work.then(
    () => ({ failed: false }),
    (error: Error) => ({ failed: true, shortMessage: error.message }),
  );
  return Object.assign(end, { iterable: () => [] });
}

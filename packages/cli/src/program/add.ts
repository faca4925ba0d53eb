import type { Command as Commander } from 'commander';
import type { Command, GlobalOptions, Io } from '../io.ts';

/**
 * Adds a command to the program and returns it for its options and arguments. What it needs is loaded when it is called,
 * so `spica --help` is quick; values are checked by the command itself.
 */
export type Add = <O extends object>(
  name: string,
  description: string,
  load: () => Promise<Command<O>>,
) => Commander;

/** Makes what adds commands to `parent`; each one's exit code goes to `ended`. */
export function createAdd(parent: Commander, io: Io, ended: (exitCode: number) => void): Add {
  return <O extends object>(name: string, description: string, load: () => Promise<Command<O>>) =>
    parent
      .command(name)
      .description(description)
      .action(async (...given: unknown[]) => {
        const called = given.at(-1) as Commander;
        // An optional argument that was not given is undefined, not a text.
        const args = called.processedArgs
          .flat()
          .filter((arg) => arg !== undefined)
          .map(String);
        const options = called.optsWithGlobals<O & GlobalOptions>();
        ended(await (await load())({ io, args, options }));
      });
}

/** Gathers an option that may be given several times. */
export const gather = (value: string, before: readonly string[] = []) => [...before, value];

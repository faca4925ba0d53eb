import type { Command as Commander } from 'commander';

/** Adds `help [command…]`: explains the whole, a command of it, or one of a group (`help audit tail`). */
export function addHelp(program: Commander): void {
  program
    .helpCommand(false)
    .command('help')
    .description('explain a command')
    .argument('[command...]')
    .action((names: readonly string[]) => find(program, names).help());
}

/** The command of that name. Throws CommanderError where there is none. */
function find(program: Commander, names: readonly string[]): Commander {
  let at = program;
  for (const name of names) {
    const next = at.commands.find((command) => command.name() === name);
    if (!next) at.error(`error: unknown command '${name}'`);
    else at = next;
  }
  return at;
}

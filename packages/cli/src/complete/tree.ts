import { RootCommand } from '@bomb.sh/tab';
import type { Command as Commander, Option } from 'commander';
import { pathOf } from '../program/examples.ts';
import { type Kind, valuesOfArgument, valuesOfOption } from './kinds.ts';
import { printed } from './printed.ts';

/** The values there are of a kind, for the word at the cursor. */
export type Values = (kind: Kind) => readonly string[];

/**
 * What may stand in place of the last word, a line each, and how the shell is to take it, as its script reads it. What
 * values are looked up is asked of `values`, which therefore says what is wanted.
 */
export function suggest(program: Commander, words: readonly string[], values: Values): string {
  const root = new RootCommand();
  const called = commandIn(program, words.slice(0, -1));
  for (const command of below(program)) {
    const known = root.command(pathOf(command), command.description());
    // Only of the one that is called: others have options of the same name that take a value where this one takes none.
    if (command === called) describe(known, command, values);
  }
  if (called === program) describe(root, program, values);
  return printed(() => root.parse([...words]));
}

/** What a command takes, and what all do. */
function describe(
  known: RootCommand | ReturnType<RootCommand['command']>,
  command: Commander,
  values: Values,
) {
  const give = (kind: Kind | readonly string[] | null, complete: (value: string, text: string) => void) => {
    const found = typeof kind === 'string' ? values(kind) : (kind ?? []);
    for (const value of found) complete(value, '');
  };
  for (const option of optionsOf(command)) {
    const { long, short, description } = option;
    if (!long) continue;
    const name = long.slice(2);
    const alias = short?.slice(1);
    if (takesValue(option))
      known.option(name, description, (complete) => give(valuesOfOption(option), complete), alias);
    else if (alias === undefined) known.option(name, description);
    else known.option(name, description, alias);
  }
  for (const argument of command.registeredArguments) {
    const of = valuesOfArgument(command, argument.name());
    known.argument(argument.name(), (complete) => give(of, complete), argument.variadic);
  }
}

/** The command that the words name, as far as they do. */
function commandIn(program: Commander, words: readonly string[]): Commander {
  let at = program;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word.startsWith('-')) {
      const option = optionsOf(at).find(({ short, long }) => word === short || word === long);
      if (option && takesValue(option)) i += 1;
      continue;
    }
    const next = at.commands.find((command) => command.name() === word);
    if (!next) break;
    at = next;
  }
  return at;
}

function optionsOf(command: Commander): Option[] {
  const help = command.createHelp();
  help.showGlobalOptions = true;
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
}

const takesValue = ({ required, optional }: Option) => required || optional;

function below(command: Commander): Commander[] {
  return command.commands.flatMap((each) => [each, ...below(each)]);
}

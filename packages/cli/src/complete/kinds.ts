import type { Command as Commander, Option } from 'commander';
import { SORTS } from '../input/sorts.ts';
import { pathOf } from '../program/examples.ts';

/** What a value is one of. */
export type Kind = 'pool' | 'template' | 'instance' | 'experiment' | 'file';

const OF_OPTION: Readonly<Record<string, Kind>> = {
  '--pool': 'pool',
  '--template': 'template',
  '--experiment': 'experiment',
  '--from': 'instance',
  '--parent': 'instance',
  '--instance': 'instance',
};

/** Values of options that take one of a few. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  '--sort': SORTS,
  '--role': ['viewer', 'runner', 'operator'],
  '--keep': ['never', 'failed', 'best', 'always'],
};

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** What an option's value is one of: a kind that has to be looked up, these, or (null) anything. */
export function valuesOfOption({ long, flags }: Option): Kind | readonly string[] | null {
  const known = OF_OPTION[long ?? ''] ?? CHOICES[long ?? ''];
  if (known !== undefined) return known;
  return /[<[](?:file|dir)[>\]]/.test(flags) ? 'file' : null;
}

/** As `valuesOfOption`, for an argument of a command. */
export function valuesOfArgument(command: Commander, name: string): Kind | readonly string[] | null {
  const path = pathOf(command);
  if (path === 'complete') return SHELLS;
  if (path === 'help') return command.parent?.commands.map((each) => each.name()) ?? null;
  if (name === 'template' || path === 'template') return 'template';
  return name === 'id' && path !== 'tournaments' ? 'instance' : null;
}

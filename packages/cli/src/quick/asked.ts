import { readWords } from '../complete/words.ts';

/**
 * Commands that the stack of this machine can answer: they look, or change one lease, and ask nobody anything. What fails
 * there is done here anew, so nothing may be done before it fails: of several instances to release, some would be done twice.
 */
const VERBS = ['ls', 'status', 'show', 'lease', 'release'];
/** Global options that have a value. */
const WITH_VALUE = ['--config', '--pool'];
/** Whoever wants these is answered by the program itself. */
const OURS = ['-h', '--help', '-V', '--version', '--verbose', '--watch', '-w', '--'];

/** A command line as the stack is asked for it: without `--config`, whose file the stack knows by its own path. */
export interface Asked {
  readonly argv: readonly string[];
  readonly config: string | undefined;
}

/** Null for a command line that is not for the stack. What is wrong with one, whoever runs it says. */
export function readAsked(argv: readonly string[]): Asked | null {
  const words = readWords(argv);
  if (words) return { argv, config: words.config };
  if (argv.some((arg) => OURS.includes(arg))) return null;
  let config: string | undefined;
  let verb: string | undefined;
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i += 1) {
    const arg = argv[i] ?? '';
    const [name = '', inline] = arg.startsWith('--') ? splitOnce(arg) : [arg];
    const value = inline ?? (WITH_VALUE.includes(name) ? argv[++i] : undefined);
    if (WITH_VALUE.includes(name) && value === undefined) return null;
    if (name === '--config') config = value;
    else if (name === '--pool') rest.push(`--pool=${value}`);
    else {
      if (!arg.startsWith('-')) verb ??= arg;
      rest.push(arg);
    }
  }
  if (verb === 'release' && rest.filter((arg) => arg.startsWith('spica-')).length > 1) return null;
  return verb !== undefined && VERBS.includes(verb) ? { argv: rest, config } : null;
}

function splitOnce(arg: string): [name: string, value: string | undefined] {
  const at = arg.indexOf('=');
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

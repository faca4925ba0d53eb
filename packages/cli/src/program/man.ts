import type { Command as Commander } from 'commander';
import type { Io } from '../io.ts';
import { buildProgram, EXIT_MEANINGS } from '../program.ts';
import { version } from '../version.ts';
import { examplesOf, pathOf } from './examples.ts';

/** The manual page, spica(1), as roff: every command with its options and examples, as `--help` has them. */
export function manPage(): string {
  // To describe a program runs none of it.
  const { command: spica } = buildProgram({} as Io);
  const lines = [
    `.TH SPICA 1 "" "spica ${version}" "Spica"`,
    '.SH NAME',
    `spica \\- ${roff(firstLower(spica.description()))}`,
    '.SH SYNOPSIS',
    '.B spica',
    '.RI [ options ]',
    '.I command',
    '.RI [ arguments ]',
    '.SH DESCRIPTION',
    roff(spica.description()),
    '.PP',
    'On a terminal commands print tables; piped, tab-separated lines without titles; with',
    `${bold('--json')}, JSON.`,
    '.SH OPTIONS',
    'Every command takes these.',
    ...optionsOf(spica),
    '.SH COMMANDS',
    ...leavesOf(spica).flatMap(sectionOf),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([code, meaning]) => ['.TP', bold(code), roff(meaning)]),
    '.SH ENVIRONMENT',
    ...VARIABLES.flatMap(([name, text]) => ['.TP', bold(name), roff(text)]),
    '.SH EXAMPLES',
    ...exampleLines(spica),
  ];
  return `${lines.join('\n')}\n`;
}

const VARIABLES = [
  ['SPICA_CONFIG', 'the config file, where --config names none'],
  ['SPICA_STATE_DIR', 'where the embedded Redis, its socket and that of the HTTP API are'],
  ['REDIS_URL', 'the Redis to use in place of the embedded one'],
  ['SPICA_LEASE_TOKEN', "a lease's token, where --token gives none"],
  ['NO_COLOR', 'where it is set, nothing is printed in colour'],
] as const;

/** Commands that do something, in the order of `--help`; a group only stands before them. */
function leavesOf(command: Commander): Commander[] {
  return command.commands
    .filter((each) => !(each.name() === 'help' && each.parent?.parent))
    .flatMap((each) => (each.commands.length > 0 ? leavesOf(each) : [each]));
}

function sectionOf(command: Commander): string[] {
  return [
    `.SS "${roff(`spica ${pathOf(command)} ${command.usage()}`)}"`,
    roff(firstUpper(command.description())).concat('.'),
    ...command.registeredArguments
      .filter(({ description }) => description)
      .flatMap((each) => ['.TP', italic(each.name()), roff(each.description)]),
    ...optionsOf(command),
    '.PP',
    ...exampleLines(command),
  ];
}

function optionsOf(command: Commander): string[] {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help')
    .flatMap((option) => ['.TP', bold(help.optionTerm(option)), roff(help.optionDescription(option))]);
}

function exampleLines(command: Commander): string[] {
  return ['.RS 4', '.nf', ...examplesOf(command).map(roff), '.fi', '.RE'];
}

const bold = (text: string) => `\\fB${roff(text)}\\fR`;
const italic = (text: string) => `\\fI${roff(text)}\\fR`;

/** As it stands, and no command of roff: quotes and dashes may be copied from the page and typed. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('"', '\\(dq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll('…', '...')
    .replace(/^\./gm, '\\&.');
}

const firstLower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
const firstUpper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

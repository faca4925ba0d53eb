import { Command as Commander } from 'commander';
import type { Io } from './io.ts';
import { createAdd } from './program/add.ts';
import { addExamples } from './program/examples.ts';
import { addHelp } from './program/help.ts';
import { addImageCommands } from './program/image.ts';
import { addInstanceCommands } from './program/instances.ts';
import { addProfileCommands } from './program/profile.ts';
import { addRequestCommands } from './program/requests.ts';
import { addAuditCommands, addRetentionCommands } from './program/retention.ts';
import { addNotifyCommands, addServiceCommands } from './program/service.ts';
import { addTokenCommands } from './program/token.ts';
import { version } from './version.ts';

/** What each exit code says. */
export const EXIT_MEANINGS: Readonly<Record<string, string>> = {
  0: 'done',
  1: 'a check failed',
  2: 'bad usage or config',
  3: 'refused by the gate',
  4: 'Redis or worker out of reach',
  5: 'timed out waiting',
  130: 'interrupted',
};

/** Every command with its options, in the order in which `--help` lists them. */
export function buildProgram(io: Io): { command: Commander; exitCode(): number } {
  let exitCode = 0;
  const ended = (code: number) => {
    exitCode = code;
  };
  const command = new Commander('spica')
    .description(
      'Runs the life of disk-heavy experiment instances: spawn, measure, prune, within what the disk allows.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => undefined, // run.ts reports it
    })
    .configureHelp({ showGlobalOptions: true })
    .version(version, '-V, --version', 'print the version')
    .option(
      '--config <file>',
      'config file (default: SPICA_CONFIG, ./spica.yaml, then the user config directory)',
    )
    .option('--pool <pool>', 'pool to work on (default: the only one, else "main")')
    .option('--json', 'print JSON')
    .option('--verbose', 'print stack traces and debug logs')
    .addHelpText(
      'after',
      `\nExit codes:\n${Object.entries(EXIT_MEANINGS)
        .map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`)
        .join('\n')}`,
    );
  const add = createAdd(command, io, ended);
  addServiceCommands(add);
  addRequestCommands(add);
  addInstanceCommands(add);
  addRetentionCommands(add);
  const image = command.command('image').description('the file that a pool lives in');
  addImageCommands(createAdd(image, io, ended));
  addHelp(image);
  const audit = command.command('audit').description('the audit log');
  addAuditCommands(createAdd(audit, io, ended));
  const profile = command
    .command('profile')
    .description('what instances become, by which requests are decided');
  addProfileCommands(createAdd(profile, io, ended));
  const token = command.command('token').description('who may use the HTTP API');
  addTokenCommands(createAdd(token, io, ended));
  const notify = command.command('notify').description('who is told of what happens');
  addNotifyCommands(createAdd(notify, io, ended));
  addHelp(token);
  addHelp(notify);
  addHelp(audit);
  addHelp(profile);
  addHelp(command);
  addExamples(command);
  return { command, exitCode: () => exitCode };
}

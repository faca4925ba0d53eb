import { Command as Commander } from 'commander';
import type { AuditTailOptions } from './commands/audit-tail.ts';
import type { Command, GlobalOptions, Io } from './io.ts';
import { version } from './version.ts';

/** Gathers an option that may be given several times. */
const gather = (value: string, before: readonly string[] = []) => [...before, value];

/**
 * Every command with its options. What a command needs is loaded when it is called, so `spica --help` is quick; values
 * are checked by the command itself.
 */
export function buildProgram(io: Io): { command: Commander; exitCode(): number } {
  let exitCode = 0;
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
    .helpCommand('help [command]', 'explain a command')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a check failed, 2 bad usage or config, 3 refused by the gate,\n' +
        '            4 Redis or worker out of reach, 5 timed out waiting, 130 interrupted',
    );

  function add<O extends object>(
    name: string,
    description: string,
    load: () => Promise<Command<O>>,
  ): Commander {
    return command
      .command(name)
      .description(description)
      .action(async (...given: unknown[]) => {
        const called = given.at(-1) as Commander;
        const args = called.processedArgs.flat().map(String);
        const options = called.optsWithGlobals<O & GlobalOptions>();
        exitCode = await (await load())({ io, args, options });
      });
  }

  add('up', 'embedded Redis (unless REDIS_URL), all workers, the dashboard', async () => {
    return (await import('./commands/up.ts')).up;
  }).option('--port <port>', 'port of the dashboard; 0 takes a free one');
  add('serve', 'the dashboard alone', async () => (await import('./commands/serve.ts')).serve).option(
    '--port <port>',
    'port of the dashboard; 0 takes a free one',
  );
  add(
    'init',
    "create the pool's root and marker",
    async () => (await import('./commands/init.ts')).init,
  ).option(
    '--rebind',
    'have the catalog take this root for the pool from now on, in place of the one it knows',
  );
  add('spawn', 'spawn instances, all or none', async () => (await import('./commands/spawn.ts')).spawn)
    .option('-n, --count <n>', 'how many', '1')
    .option('-t, --template <template>', 'template to clone (default: the only one, else "default")')
    .option('-s, --set <K=V>', 'parameter for .env.spica and manifest, repeatable', gather)
    .option('--parent <id>', 'instance that these descend from')
    .option('--experiment <name>', 'experiment that they belong to')
    .option('-l, --label <K=V>', 'label, repeatable', gather)
    .option('--notes <text>', 'free text for the manifest')
    .option('--no-wait', 'print the request id and do not wait for the instances')
    .option(
      '--max-wait <duration>',
      'how long the gate may hold the request, like 10m (default: gate.max_wait)',
    )
    .option('--timeout <duration>', 'how long to wait for the end; the request goes on')
    .option('--key <key>', 'idempotency key: the same key and request are submitted once');
  add('ls', 'list instances', async () => (await import('./commands/ls.ts')).ls);
  add(
    'show',
    'show an instance or a request',
    async () => (await import('./commands/show.ts')).show,
  ).argument('<id>');
  add('status', 'disk, promises, held requests, queues and workers', async () => {
    return (await import('./commands/status.ts')).status;
  });
  add('config', 'every setting in force and where it comes from', async () => {
    return (await import('./commands/config.ts')).config;
  });
  add('preflight', 'would a spawn be admitted now, and why (changes nothing)', async () => {
    return (await import('./commands/preflight.ts')).preflight;
  })
    .option('-n, --count <n>', 'how many', '1')
    .option('-t, --template <template>', 'template to clone (default: the only one, else "default")');
  add('prune', 'apply the retention policy now', async () => (await import('./commands/prune.ts')).prune)
    .option('--dry-run', 'print the plan and touch nothing')
    .option('--max-instances <n>', 'keep at most so many, for this run')
    .option('--max-age-days <days>', 'keep none older, for this run');
  add('sample', 'measure instances', async () => (await import('./commands/sample.ts')).sample).argument(
    '[id...]',
    'instances to measure (default: those that are due)',
  );
  add('verify', 'check the lineage hash of instances', async () => {
    return (await import('./commands/verify.ts')).verify;
  }).argument('[id...]', 'instances to check (default: all)');

  const audit = command.command('audit').description('the audit log');
  audit
    .command('tail')
    .description('its last entries')
    .option('-n, --lines <n>', 'how many', '20')
    .option('-f, --follow', 'print further entries as they are written, until Ctrl-C')
    .action(async (_options: unknown, called: Commander) => {
      const { auditTail } = await import('./commands/audit-tail.ts');
      exitCode = await auditTail({
        io,
        args: [],
        options: called.optsWithGlobals<AuditTailOptions & GlobalOptions>(),
      });
    });

  return { command, exitCode: () => exitCode };
}

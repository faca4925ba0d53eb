import type { Command as Commander } from 'commander';
import { type Add, gather } from './add.ts';

/** Commands that ask for instances, and those that tell what became of that. */
export function addRequestCommands(add: Add): void {
  const spawn = add('spawn', 'spawn instances, all or none', async () => {
    return (await import('../commands/spawn.ts')).spawn;
  });
  addAsked(spawn)
    .option('-s, --set <K=V>', 'parameter for .env.spica and manifest, repeatable', gather)
    .option('--from <id>', 'clone this instance, as it is now, in place of a template')
    .option('--parent <id>', 'instance that these descend from')
    .option('-l, --label <K=V>', 'label, repeatable', gather)
    .option('--notes <text>', 'free text for the manifest')
    .option('--lease <duration>', 'lease them to you from the start, like 1h')
    .option('--owner <name>', 'whose lease it is (default: user@host)')
    .option('--token <token>', 'token of the lease (default: SPICA_LEASE_TOKEN, else a new one)')
    .option(
      '--ttl <duration>',
      "how long they live on after their last use, like 6h (default: the policy's max_age_days)",
    )
    .option('--collect <glob>', 'collect what matches of each before it is deleted, repeatable', gather)
    .option('--no-collect', 'collect nothing, whatever the template says')
    .option('--no-wait', 'print the request id and do not wait for the instances')
    .option(
      '--max-wait <duration>',
      'how long the gate may hold the request, like 10m (default: gate.max_wait)',
    )
    .option('--timeout <duration>', 'how long to wait for the end; the request goes on')
    .option('--key <key>', 'idempotency key: the same key and request are submitted once');
  add('run', 'run a command in instances of its own, and let them go', async () => {
    return (await import('../commands/run.ts')).run;
  })
    .argument('<command...>', 'the command, after --')
    .option('-n, --count <n>', 'how many runs, each in an instance of its own', '1')
    .option('-t, --template <template>', 'template to clone (default: the only one, else "default")')
    .option('-s, --set <K=V>', 'parameter, for .env.spica, manifest and environment, repeatable', gather)
    .option('--candidates <file>', 'a run for each: JSON, JSON lines, YAML or CSV of parameters')
    .option('--replicas <n>', 'runs of each candidate', '1')
    .option('--experiment <name>', 'experiment that they belong to')
    .option('-l, --label <K=V>', 'label, repeatable', gather)
    .option('-j, --jobs <n>', 'runs at a time (default: cores)')
    .option('--lease <duration>', 'how long instances stay yours where this is killed; renewed in time', '5m')
    .option('--time-limit <duration>', 'end a command that runs longer, like 10m')
    .option('--max-wait <duration>', 'how long the gate may hold a run (default: gate.max_wait)')
    .option('--max-failures <n>', 'begin no further runs after so many failures in a row')
    .option('--generations <n>', 'repeat with the champion as parent; with --score and --mutate', '1')
    .option(
      '--mutate <command>',
      'makes the candidates of the next generation: JSON on its standard input, JSON lines on its output',
    )
    .option('--tournament <file>', 'suite, replicas and candidates of a tournament: YAML or JSON')
    .option('--resume <file>', 'keep a log of JSON lines there; where there is one, go on with it')
    .option(
      '--score <source>',
      'LAST-JSON-LINE of the output, or a file in the instance: a number, or {"score": n}',
    )
    .option('--collect <glob>', 'copy what matches, repeatable; with --to', gather)
    .option('--to <dir>', 'where it is copied: DIR/INSTANCE/…')
    .option('--collect-max-gb <gb>', 'most that is copied of one instance', '10')
    .option('--keep <which>', 'pin instances when all is over: never, failed, best or always', 'never');
  add('tournaments', 'list the tournaments that are over, or show the record of one', async () => {
    return (await import('../commands/tournaments.ts')).tournaments;
  })
    .argument('[id]')
    .option('-n, --count <n>', 'how many at most', '20');
  addAsked(
    add('preflight', 'would a spawn be admitted now, and why (changes nothing)', async () => {
      return (await import('../commands/preflight.ts')).preflight;
    }),
  );
  add('explain', 'why a request waits, or what became of it', async () => {
    return (await import('../commands/explain.ts')).explain;
  }).argument('<request>');
  add('cancel', 'have a request leave the gate, or be undone', async () => {
    return (await import('../commands/cancel.ts')).cancel;
  }).argument('<request>');
}

/** What the need of a request follows from. */
function addAsked(command: Commander): Commander {
  return command
    .option('-n, --count <n>', 'how many', '1')
    .option('-t, --template <template>', 'template to clone (default: the only one, else "default")')
    .option('--experiment <name>', 'experiment that they belong to')
    .option('--epochs <n>', 'with --slices and --replicas: the replicas that each is going to run')
    .option('--slices <n>', 'slices of an epoch')
    .option('--replicas <n>', 'replicas of a slice');
}

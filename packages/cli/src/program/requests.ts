import type { Command as Commander } from 'commander';
import { type Add, gather } from './add.ts';

/** Commands that ask for instances, and those that tell what became of that. */
export function addRequestCommands(add: Add): void {
  const spawn = add('spawn', 'spawn instances, all or none', async () => {
    return (await import('../commands/spawn.ts')).spawn;
  });
  addAsked(spawn)
    .option('-s, --set <K=V>', 'parameter for .env.spica and manifest, repeatable', gather)
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
    .option('--no-wait', 'print the request id and do not wait for the instances')
    .option(
      '--max-wait <duration>',
      'how long the gate may hold the request, like 10m (default: gate.max_wait)',
    )
    .option('--timeout <duration>', 'how long to wait for the end; the request goes on')
    .option('--key <key>', 'idempotency key: the same key and request are submitted once');
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

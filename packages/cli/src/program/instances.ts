import { type Add, gather } from './add.ts';

/** Commands about instances that are there: looking at them, using them, keeping them. */
export function addInstanceCommands(add: Add): void {
  add(
    'ls',
    'list instances, and when each would go, by which rule',
    async () => (await import('../commands/ls.ts')).ls,
  )
    .option('-s, --search <text>', 'in id, experiment, template, submitter, labels or lease owner')
    .option(
      '-f, --filter <k=v>',
      'experiment, template, by, state, lease, pin, rule, unsaved, min-size or label.NAME; repeatable',
      gather,
    )
    .option('--sort <key>', 'spawned, age, score, size, id, experiment, template or lease', 'spawned')
    .option('-r, --reverse', 'the other way round')
    .option('--limit <n>', 'at most so many (default: 200 on a terminal, else all)')
    .option('-q, --quiet', 'ids alone, one a line')
    .option('-w, --watch', 'show it anew every two seconds, until Ctrl-C');
  add('show', 'show an instance or a request', async () => {
    return (await import('../commands/show.ts')).show;
  }).argument('<id>');
  add('lease', 'take or renew a lease: in use until its time is over', async () => {
    return (await import('../commands/lease.ts')).lease;
  })
    .argument('<id>')
    .option('--ttl <duration>', 'how long from now', '1h')
    .option('--owner <name>', 'whose lease it is (default: user@host)')
    .option('--token <token>', 'token of the lease to renew (default: SPICA_LEASE_TOKEN, else a new one)')
    .option('--force', 'take it, whoever holds it; goes to the audit log');
  add('release', 'end leases', async () => (await import('../commands/release.ts')).release)
    .argument('<id...>')
    .option('--token <token>', 'token of the lease (default: SPICA_LEASE_TOKEN)')
    .option(
      '--discard',
      'nobody needs the instance any more: it goes first, and keep_after_lease does not keep it',
    )
    .option('--force', 'end it, whoever holds it; goes to the audit log');
  add('pin', 'keep instances until they are unpinned', async () => (await import('../commands/pin.ts')).pin)
    .argument('<id...>')
    .requiredOption('--why <text>', 'what it is kept for')
    .option('--by <name>', 'who keeps it (default: user@host)');
  add('unpin', 'keep instances no longer', async () => (await import('../commands/pin.ts')).unpin)
    .argument('<id...>')
    .option('--by <name>', 'who unpins it (default: user@host)');
  add('score', 'say how good an instance was, for keep_best', async () => {
    return (await import('../commands/score.ts')).score;
  })
    .argument('<id>')
    .argument('[score]', 'a number; higher is better')
    .option('--clear', 'take its score away');
  add('grow', "raise an instance's cap, once there is room (pools with caps)", async () => {
    return (await import('../commands/grow.ts')).grow;
  })
    .argument('<id>')
    .argument('<size>', 'what it may become in all, like 30G')
    .option('--max-wait <duration>', 'how long to wait for room, like 10m (default: gate.max_wait)');
  add('collect', 'collect the results of instances now, to collect_to', async () => {
    return (await import('../commands/collect.ts')).collect;
  })
    .argument('<id...>')
    .option('--pattern <glob>', 'what is collected of them from now on, repeatable', gather)
    .option('--none', 'nothing is collected of them any more: they may go without their results');
  add('sample', 'measure instances', async () => (await import('../commands/sample.ts')).sample).argument(
    '[id...]',
    'instances to measure (default: those that are due)',
  );
  add('verify', 'check the lineage hash of instances', async () => {
    return (await import('../commands/verify.ts')).verify;
  }).argument('[id...]', 'instances to check (default: all)');
}

import { type Add, gather } from './add.ts';

/** Commands about notifications. */
export function addNotifyCommands(add: Add): void {
  add('test', 'send each receiver of the config a test message', async () => {
    return (await import('../commands/notify-test.ts')).notifyTest;
  });
}

/** Commands that serve pools, and those that tell how they stand. */
export function addServiceCommands(add: Add): void {
  add('up', 'embedded Redis (unless REDIS_URL), all workers, the page and the HTTP API', async () => {
    return (await import('../commands/up.ts')).up;
  })
    .option('--port <port>', 'port of the page and the API; 0 takes a free one')
    .option('--host <address>', 'address to listen at: with a token, others than this host may reach it');
  add('serve', 'the page and the HTTP API alone', async () => (await import('../commands/serve.ts')).serve)
    .option('--port <port>', 'port of the page and the API; 0 takes a free one')
    .option('--host <address>', 'address to listen at: with a token, others than this host may reach it');
  add('open', 'open the page in a browser, logged in as an operator of this machine', async () => {
    return (await import('../commands/open.ts')).open;
  }).option('--print', 'print the link, which can be opened once within a minute, and open nothing');
  add('init', "create the pool's root and marker", async () => {
    return (await import('../commands/init.ts')).init;
  })
    .option(
      '--rebind',
      'give this root the name from now on, whatever its marker says, and whichever pool Redis knows by it',
    )
    .option(
      '--image <size>',
      'make the pool in an image of this size, like 200G: a file with a btrfs in it (root only)',
    )
    .option(
      '--image-file <file>',
      'where the image lies (default: beside the root); without --image: take this one',
    )
    .option('--allocate', "take the image's room from the disk at once");
  add('status', 'disk, reservations, held requests, queues and workers', async () => {
    return (await import('../commands/status.ts')).status;
  });
  add('top', 'disk, requests and instances, live on the whole screen', async () => {
    return (await import('../commands/top.ts')).top;
  })
    .option('-s, --search <text>', 'in id, experiment, template, submitter, labels or lease owner')
    .option('-f, --filter <k=v>', 'as for `spica ls`; repeatable', gather)
    .option('--sort <key>', 'spawned, age, score, size, id, experiment, template or lease', 'spawned')
    .option('-r, --reverse', 'the other way round');
  add('config', 'every setting in force and where it comes from', async () => {
    return (await import('../commands/config.ts')).config;
  });
  add('alerts', "rules for Prometheus, with this config's thresholds", async () => {
    return (await import('../commands/alerts.ts')).alerts;
  })
    .option('--output <file>', 'write them there (default: print them)')
    .option(
      '--runbooks <url>',
      'where the page is that says what to do about each (default: docs/operating.md)',
    );
  add('systemd', 'the unit that runs `spica up` as a service, from this config', async () => {
    return (await import('../commands/systemd.ts')).systemd;
  })
    .option('--user', 'a unit of your own, without root')
    .option('--output <dir>', 'write it there (default: print it)');
  add('template', 'what of a template is cloned, what is not and why (changes nothing)', async () => {
    return (await import('../commands/template.ts')).template;
  }).argument('[name]', 'template to show (default: all)');
  add('doctor', 'check what Spica needs here, and say what to do', async () => {
    return (await import('../commands/doctor.ts')).doctor;
  });
  add('complete', 'print the script that has a shell complete commands, options and values', async () => {
    return (await import('../commands/complete.ts')).complete;
  }).argument('<shell>', 'bash, zsh or fish');
  add('clock', 'whether the clock is trusted with ages', async () => {
    return (await import('../commands/clock.ts')).clock;
  }).option('--confirm', "vouch for this host's clock: rules of age are in force again");
}

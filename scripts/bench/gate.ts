import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countOf } from '@spica/core';
import { connectWorker, type RedisTarget } from '@spica/queues';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { mountLoop } from '../../test/support/mount.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { readFlags } from '../flags.ts';
import { bareFlows } from './bare-flows.ts';
import { commandsOf } from './commands.ts';
import { median } from './figures.ts';
import { makeTemplate } from './template.ts';

const BTRFS_BYTES = 20e9;
/** Over so many requests commands are counted. */
const COUNTED = 40;
/** Never admitted while one instance is leased: it would take all slots. */
const SLOTS = 5_000;

/** Where pools are tried, and what is tried there. */
interface Site {
  readonly target: RedisTarget;
  readonly template: string;
  /** A directory of the filesystem in question; null for the system's temporary directory. */
  readonly dir: string | null;
  readonly requests: number;
}

/**
 * The gate with an empty template: commands to Redis for a request of one instance and of eight, idle polling aside; requests per second,
 * from the first submit to the last request's end, at gate concurrency 1 and 8, and past a line of 10 and of 1,000 held
 * requests; against bare BullMQ two-job flows (a parent and its child that do nothing) on the same Redis, alternating.
 * Then the same on a loop-mounted btrfs, where root: there a clone takes no program. Options: --requests, --rounds.
 */
export async function run(args: string[]): Promise<void> {
  const options = {
    requests: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '3' },
  } as const;
  const values = readFlags('bench gate', { args, options });
  const dir = await mkdtemp(join(tmpdir(), 'spica-bench-gate-'));
  const logger = createLogger({ level: 'warn', pretty: true });
  const redis = await startEmbeddedRedis({ stateDir: join(dir, 'state'), logger });
  const btrfs = await mountLoop({ type: 'btrfs', bytes: BTRFS_BYTES });
  try {
    const template = join(dir, 'template');
    await makeTemplate(template, { files: 0, bytes: 0 });
    const site = { target: redis.target, template, dir: null, requests: Number(values.requests) };
    await printCommands(site);
    await printRates('copies', site, Number(values.rounds));
    if ('skipped' in btrfs) console.log(`btrfs: skipped, ${btrfs.skipped}`);
    else await printRates('btrfs snapshots', { ...site, dir: btrfs.dir }, Number(values.rounds));
  } finally {
    if (!('skipped' in btrfs)) await btrfs.unmount();
    await redis.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function printCommands(site: Site): Promise<void> {
  console.log('\nRedis commands for a request, on all connections of submitter and workers:');
  await withStack(site, 8, async (stack) => {
    for (const count of [1, 8]) {
      const alone = await commandsOf(async () => {
        for (let i = 0; i < COUNTED; i += 1) await stack.spawn({ count });
      });
      const batch = await commandsOf(() =>
        Promise.all(Array.from({ length: COUNTED }, () => stack.spawn({ count }))),
      );
      const each = (total: number) => (total / COUNTED).toFixed(1);
      const name = countOf(count, 'instance').padEnd(12);
      console.log(
        `  ${name} ${each(batch.sent)} in a batch of ${COUNTED}, ${each(alone.sent)} one after another`,
      );
      const looks = `${each(batch.emptyFetches)} and ${each(alone.emptyFetches)}`;
      console.log(
        `  ${' '.repeat(12)} beside them ${looks} times a worker looked for a job, and there was none`,
      );
    }
  });
}

async function printRates(title: string, site: Site, rounds: number): Promise<void> {
  const tried = {
    bare: (round: number) => bareFlows(site.target, { flows: site.requests, prefix: `{bare:${round}}` }),
    'gate concurrency 1': () => withStack(site, 1, (stack) => rateOf(stack, site)),
    'gate concurrency 8': () => withStack(site, 8, (stack) => rateOf(stack, site)),
    'past 10 held': () => withStack(site, 8, (stack) => pastHeld(stack, site, 10)),
    'past 1,000 held': () => withStack(site, 8, (stack) => pastHeld(stack, site, 1_000)),
  };
  const rates = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(tried)) {
      rates.set(name, [...(rates.get(name) ?? []), await measure(round)]);
    }
  }
  const bare = median(rates.get('bare') ?? []);
  console.log(`\n${title}: ${site.requests} requests of one instance, median of ${rounds} rounds:`);
  for (const [name, of] of rates) {
    const rate = median(of);
    console.log(
      `  ${name.padEnd(20)} ${rate.toFixed(0).padStart(5)} requests/s   ${(rate / bare).toFixed(2)} × bare`,
    );
  }
}

/** Requests per second. */
async function rateOf(stack: Stack, { requests }: Site): Promise<number> {
  const start = performance.now();
  const ids = await Promise.all(Array.from({ length: requests }, () => stack.submit()));
  await Promise.all(ids.map((id) => stack.watcher.wait(id)));
  return requests / ((performance.now() - start) / 1000);
}

/** The same while so many requests are held that want all slots, one of which is leased. */
async function pastHeld(stack: Stack, site: Site, held: number): Promise<number> {
  await stack.spawn({ lease: { owner: 'bench', tokenHash: '0'.repeat(64), ms: 3_600_000 } });
  for (let i = 0; i < held; i += 1) await stack.submit({ count: SLOTS });
  while (stack.ctx.gate.line.size < held) await new Promise((resolve) => setTimeout(resolve, 50));
  return rateOf(stack, site);
}

/** Serves a pool with its template prepared, and empties Redis after it. */
async function withStack<T>(site: Site, concurrency: number, work: (stack: Stack) => Promise<T>): Promise<T> {
  const root = site.dir === null ? {} : { root: await mkdtemp(join(site.dir, 'pool-')) };
  const stack = await startStack({
    ...root,
    target: site.target,
    templates: { default: site.template },
    settings: {
      'concurrency.gate': concurrency,
      'concurrency.spawn': 8,
      'gate.barrier_after': '1h',
      'gate.max_wait': '1h',
      'gate.poll_every': '1m',
      'pools.main.retention.max_instances': SLOTS,
    },
  });
  try {
    await stack.spawn(); // prepares the template
    return await work(stack);
  } finally {
    await stack.close();
    const redis = connectWorker(site.target);
    await redis.flushall();
    redis.disconnect();
  }
}

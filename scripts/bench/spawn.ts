import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { execa } from 'execa';
import { countInstance } from '../../packages/workers/src/gate/load.ts';
import { catalogInventory } from '../../packages/workers/src/pruner/inventory.ts';
import { mountLoop } from '../../test/support/mount.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';
import { makeTemplate } from './template.ts';

/** A sparse file on the machine's own disk, with room for what all instances are expected to become. */
const BTRFS_BYTES = 60e9;
/** There they are copies, whose blocks are shared: making them takes longer than links do. */
const MOST_ON_BTRFS = 10;
/** Of its marks for deletion. */
const OWNER = 'bench';

interface Shape {
  readonly files: number;
  readonly bytes: number;
  readonly rounds: number;
}

/**
 * One spawn, from submit to ready, against `rsync -a` and `cp -a --reflink=auto` of the same filtered tree on the same
 * filesystem; alternating, medians; with 0, 10 and 100 instances there. Then on a loop-mounted btrfs, where root.
 * Options: --dir DIR (default: the system's temporary directory), --files, --bytes, --rounds, --instances 0,10,100.
 */
export async function run(args: string[]): Promise<void> {
  const values = readFlags('bench spawn', {
    args,
    options: {
      dir: { type: 'string', default: tmpdir() },
      files: { type: 'string', default: '20000' },
      bytes: { type: 'string', default: '500000000' },
      rounds: { type: 'string', default: '5' },
      instances: { type: 'string', default: '0,10,100' },
    },
  });
  const shape = { files: Number(values.files), bytes: Number(values.bytes), rounds: Number(values.rounds) };
  console.log(
    `template: ${shape.files} files, ${shape.bytes / 1e6} MB; medians of ${shape.rounds} rounds, in ms`,
  );
  const populations = values.instances.split(',').map(Number);
  await measureOn(values.dir, shape, populations);
  const btrfs = await mountLoop({ type: 'btrfs', bytes: BTRFS_BYTES });
  if ('skipped' in btrfs) return console.log(`btrfs: skipped, ${btrfs.skipped}`);
  try {
    await measureOn(
      btrfs.dir,
      shape,
      populations.filter((population) => population <= MOST_ON_BTRFS),
    );
  } finally {
    await btrfs.unmount();
  }
}

async function measureOn(where: string, shape: Shape, populations: readonly number[]): Promise<void> {
  const dir = await mkdtemp(join(where, 'spica-bench-spawn-'));
  const state = await mkdtemp(join(tmpdir(), 'spica-bench-state-'));
  const redis = await startEmbeddedRedis({
    stateDir: state,
    logger: createLogger({ level: 'warn', pretty: true }),
  });
  try {
    const template = join(dir, 'template');
    await makeTemplate(template, shape);
    const stack = await startStack({
      target: redis.target,
      root: join(dir, 'pool'),
      templates: { default: template },
      settings: {
        'pools.main.retention.max_instances': 10_000,
        'sample.every': '1d', // measuring what is there would take a core from each contender in turn
      },
    });
    try {
      await stack.spawn(); // prepares the template
      console.log(`\n${where} (${stack.ctx.method})`);
      for (const population of populations) await measureWith(stack, dir, shape, population);
    } finally {
      await stack.close();
    }
  } finally {
    await redis.stop();
    await execa('rm', ['-rf', '--', dir, state]);
  }
}

async function measureWith(stack: Stack, dir: string, shape: Shape, population: number): Promise<void> {
  await populate(stack, population);
  const filtered = join(dir, 'template');
  const target = join(dir, 'rival');
  const times = { spica: [] as number[], cp: [] as number[], rsync: [] as number[] };
  for (let round = 0; round < shape.rounds; round += 1) {
    times.cp.push(
      await rival(target, 'cp', ['-a', '--reflink=auto', `${await snapshotOf(stack)}/.`, target]),
    );
    times.spica.push(await spawnOnce(stack));
    times.rsync.push(await rival(target, 'rsync', ['-a', '--exclude=.venv/', `${filtered}/`, `${target}/`]));
  }
  const spica = median(times.spica);
  const cp = median(times.cp);
  const rsync = median(times.rsync);
  console.log(
    `  ${String(population).padStart(3)} instances there: spica ${spica.toFixed(0)}, cp ${cp.toFixed(0)}, rsync ${rsync.toFixed(0)}` +
      `   spica/cp ${(spica / cp).toFixed(2)} (1.1 × cp + 50 ms = ${(1.1 * cp + 50).toFixed(0)}), spica/rsync ${(spica / rsync).toFixed(2)}`,
  );
}

/** The filtered tree that cp copies: the prepared snapshot, which is what the template is after `.templateignore`. */
async function snapshotOf(stack: Stack): Promise<string> {
  return (await stack.ctx.templates.current('default'))?.path ?? '';
}

async function spawnOnce(stack: Stack): Promise<number> {
  let id = '';
  await syncDisk(stack.ctx.pool.paths.root);
  const ms = await time(async () => {
    id = (await stack.spawn()).instances[0]?.id ?? '';
  });
  await removeInstance(stack, id);
  return ms;
}

async function rival(target: string, command: string, args: string[]): Promise<number> {
  await mkdir(target);
  await syncDisk(target);
  const ms = await time(() => execa(command, args));
  await rm(target, { recursive: true });
  return ms;
}

/** btrfs goes on for a moment with what was deleted, after all is written. */
const REST_MS = 1_500;

/** What one contender leaves to be done must not be charged to the next: a snapshot waits until it is written. */
async function syncDisk(dir: string): Promise<void> {
  await execa('sync', ['-f', '--', dir]);
  await sleep(REST_MS);
}

/**
 * Fills the pool with instances as large as the template. By hard links where it copies: a walk over them costs the
 * same. Between btrfs subvolumes there can be none, but there the blocks are shared.
 */
async function populate(stack: Stack, population: number): Promise<void> {
  const { root } = stack.ctx.pool.paths;
  const there = (await readdir(root)).filter((name) => name.startsWith('spica-'));
  const model = there[0] ?? (await stack.spawn()).instances[0]?.id ?? '';
  if (population === 0) return removeInstance(stack, model);
  for (let n = there.length; n < population; n += 1) {
    const id = `spica-b${String(n).padStart(11, '0')}`;
    const from = await stack.ctx.catalog.get(model);
    const how = stack.ctx.method === 'copy' ? ['-al'] : ['-a', '--reflink=auto'];
    await execa('cp', [...how, '--', join(root, model), join(root, id)]);
    await rm(join(root, id, 'manifest.json'));
    await writeFile(join(root, id, 'manifest.json'), '{}\n');
    if (!from) continue;
    const record = { ...from.record, id, request: null, index: null };
    await stack.ctx.catalog.adopt(record);
    countInstance(stack.ctx, { record });
  }
}

async function removeInstance(stack: Stack, id: string): Promise<void> {
  const inventory = catalogInventory(stack.ctx);
  await inventory.begin(id, { owner: OWNER, undoOf: null });
  await execa('rm', ['-rf', '--', join(stack.ctx.pool.paths.root, id)]);
  await inventory.end(id, 'gone', OWNER);
}

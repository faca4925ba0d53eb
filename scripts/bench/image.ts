import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { execa } from 'execa';
import { writeOwnFiles } from '../../packages/pool/src/clone/own-files.ts';
import { chargeClone, readPoolCharges } from '../../packages/pool/src/image/charge.ts';
import { awaitReturned } from '../../packages/pool/src/image/returned.ts';
import { buildLineage, buildManifest } from '../../packages/pool/src/manifest/build.ts';
import { snapshotSubvolume } from '../../packages/pool/src/native/subvolume.ts';
import { removeTree } from '../../packages/pool/src/remove/remove-tree.ts';
import { type ImageSite, imageSite } from '../../test/support/image.ts';
import { type Stack, startStack } from '../../test/support/stack.ts';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';
import { measureGeneration } from './generation.ts';
import { makeTemplate } from './template.ts';

/** Sparse: it takes what is written into it. */
const IMAGE_BYTES = 60e9;
const DELETIONS = 100;
/** What would take too long a hundred times is done so often, and multiplied. */
const SAMPLES = 5;
const WRITE_MB = 1_000;

/**
 * A pool in an image against copies on the same disk: one spawn, from submit to ready, with more and more instances there
 * and by its steps; sizes of all instances; deletions; a writer's throughput. Needs root and btrfs. Options: --dir DIR
 * (default: the system's temporary directory), --files, --bytes, --rounds, --instances 0,100,1000.
 */
export async function run(args: string[]): Promise<void> {
  const values = readFlags('bench image', {
    args,
    options: {
      dir: { type: 'string', default: tmpdir() },
      files: { type: 'string', default: '20000' },
      bytes: { type: 'string', default: '500000000' },
      rounds: { type: 'string', default: '9' },
      instances: { type: 'string', default: '0,100,1000' },
    },
  });
  const site = await imageSite(values.dir);
  if ('skipped' in site) return console.log(`image: skipped, ${site.skipped}`);
  const state = await mkdtemp(join(tmpdir(), 'spica-bench-state-'));
  const redis = await startEmbeddedRedis({
    stateDir: state,
    logger: createLogger({ level: 'warn', pretty: true }),
  });
  try {
    const shape = { files: Number(values.files), bytes: Number(values.bytes) };
    console.log(`template: ${shape.files} files, ${shape.bytes / 1e6} MB; medians, in ms`);
    const template = join(site.dir, 'template');
    await makeTemplate(template, shape);
    await site.make({ bytes: IMAGE_BYTES });
    const stack = await startStack({
      target: redis.target,
      root: site.root,
      templates: { default: template },
      settings: {
        'pools.main.retention.max_instances': 10_000,
        'pools.main.retention.trash_ttl': '0s',
        'pools.main.disk.max_instance_gb': 10,
        'pools.main.disk.prior_factor': 1,
        'pools.main.disk.growth_window': '0s',
        'sample.every': '1d',
      },
    });
    try {
      await measure(stack, site, {
        rounds: Number(values.rounds),
        populations: values.instances.split(',').map(Number),
      });
    } finally {
      await stack.close();
    }
  } finally {
    await redis.stop();
    await site.close();
    await rm(state, { recursive: true });
  }
}

interface Plan {
  readonly rounds: number;
  readonly populations: readonly number[];
}

async function measure(stack: Stack, site: ImageSite, { rounds, populations }: Plan): Promise<void> {
  await stack.spawn(); // prepares the template
  const copy = await measureCopy(site, rounds);
  let latest = Number.NaN;
  for (const population of populations) {
    await populate(stack, population);
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) times.push(await time(() => stack.spawn()));
    const spawn = median(times);
    latest = spawn;
    console.log(
      `${population} instances there: spawn ${spawn.toFixed(0)}, cp -a ${copy.toFixed(0)}, ${(spawn / copy).toFixed(3)} of it`,
    );
  }
  await measureSteps(stack, rounds, latest);
  await measureGeneration(site, rounds);
  await measureSizes(stack, rounds);
  await measureDeletions(stack, site);
  await measureWriter(stack, site);
}

async function measureCopy(site: ImageSite, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < Math.min(rounds, SAMPLES); round += 1) {
    const to = join(site.dir, 'copy');
    times.push(await time(() => execa('cp', ['-a', '--reflink=never', join(site.dir, 'template'), to])));
    await rm(to, { recursive: true });
    await execa('sync', ['-f', site.dir]);
  }
  return median(times);
}

async function populate({ ctx, spawn }: Stack, population: number): Promise<void> {
  for (let there = await ctx.catalog.count(); there < population; there += 50) {
    await spawn({ count: Math.min(50, population - there) });
  }
  await settled(ctx);
}

/** The sizes of those that have just come up have been kept. */
async function settled({ catalog }: Stack['ctx']): Promise<void> {
  for (;;) {
    let unmeasured = 0;
    for await (const { record } of catalog.list()) unmeasured += Number(record.sample === null);
    if (unmeasured === 0) return;
    await sleep(500);
  }
}

/** What of a spawn each step takes. `spawnMs` is one from submit to ready; the rest is queue, Redis and record. */
async function measureSteps({ ctx }: Stack, rounds: number, spawnMs: number): Promise<void> {
  const times = {
    look: [] as number[],
    snapshot: [] as number[],
    cap: [] as number[],
    files: [] as number[],
  };
  const prepared = await ctx.templates.current('default');
  if (!prepared) throw new Error('the template is not prepared');
  const id = 'spica-00000000beac';
  const { budget } = ctx.config;
  for (let round = 0; round < rounds; round += 1) {
    const to = join(ctx.pool.paths.staging, 'bench');
    times.look.push(await time(() => ctx.templates.current('default')));
    times.snapshot.push(await time(async () => snapshotSubvolume(prepared.path, to)));
    times.cap.push(await time(async () => chargeClone(to, id, { capBytes: 10e9 })));
    const spawnedAt = ctx.clock.now();
    const lineage = buildLineage({ id, parent: null, originCommit: 'unknown', generation: 0, spawnedAt });
    const own = { id, prepared, lineage, seed: 7, params: {}, budget, spawnedAt, notes: '' };
    const manifest = buildManifest(own);
    times.files.push(await time(() => writeOwnFiles(to, { manifest, lineage, params: {} })));
    await removeTree(to);
  }
  const medians = [times.look, times.snapshot, times.cap, times.files].map(median);
  const [look, snapshot, cap, files] = medians.map((each) => each.toFixed(1));
  const rest = spawnMs - medians.reduce((sum, each) => sum + each, 0);
  console.log(
    `of a spawn of ${spawnMs.toFixed(0)}: the template's look ${look}, snapshot ${snapshot}, charge and cap ${cap}, ` +
      `manifest and lineage ${files}; queue, Redis and record ${rest.toFixed(0)}`,
  );
}

function idsOf({ catalog }: Stack['ctx']): Promise<string[]> {
  return Array.fromAsync(catalog.list(), ({ record }) => record.id);
}

async function measureSizes({ ctx }: Stack, rounds: number): Promise<void> {
  const { root } = ctx.pool.paths;
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) times.push(await time(async () => readPoolCharges(root)));
  const ids = await idsOf(ctx);
  const some = ids.slice(0, SAMPLES).map((id) => ctx.pool.pathOf(id));
  const du = ((await time(() => execa('du', ['-s', '--', ...some]))) / some.length) * ids.length;
  console.log(
    `sizes of ${ids.length} instances: ${median(times).toFixed(1)}; du -s of them ${du.toFixed(0)} (of ${SAMPLES}, multiplied)`,
  );
}

async function measureDeletions({ ctx, queues }: Stack, site: ImageSite): Promise<void> {
  const before = await ctx.catalog.count();
  const count = Math.min(DELETIONS, before - 1);
  const started = performance.now();
  await queues.prune.add('prune', {
    pool: 'main',
    cause: 'operator',
    maxInstances: before - count,
    maxAgeMs: null,
  });
  while ((await ctx.catalog.count()) > before - count) await sleep(1);
  const slots = performance.now() - started;
  while ((await execa('ls', [ctx.pool.paths.trash])).stdout !== '') await sleep(50);
  await awaitReturned(site.root, 60_000);
  const space = performance.now() - started;
  const copies = Array.from({ length: SAMPLES }, (_, i) => join(site.dir, `copy-${i}`));
  for (const copy of copies) await execa('cp', ['-a', join(site.dir, 'template'), copy]);
  const rmMs = ((await time(() => execa('rm', ['-rf', '--', ...copies]))) / SAMPLES) * count;
  console.log(
    `${count} deletions: slots free ${slots.toFixed(0)}, space back ${space.toFixed(0)}; rm -rf of as many copies ` +
      `${rmMs.toFixed(0)} (of ${SAMPLES}, multiplied)`,
  );
}

async function measureWriter({ ctx }: Stack, site: ImageSite): Promise<void> {
  const write = async (to: string) => {
    const args = ['if=/dev/zero', `of=${to}`, 'bs=1M', `count=${WRITE_MB}`, 'conv=fsync'];
    const ms = await time(() => execa('dd', args));
    await rm(to);
    return (WRITE_MB / ms) * 1_000;
  };
  const [id = ''] = await idsOf(ctx);
  const [image, host]: [number[], number[]] = [[], []];
  for (let round = 0; round < SAMPLES; round += 1) {
    host.push(await write(join(site.dir, 'written')));
    image.push(await write(join(ctx.pool.pathOf(id), 'written')));
  }
  const ratio = median(image) / median(host);
  const taken = (await stat(site.file)).blocks * 512;
  console.log(
    `a writer: ${median(image).toFixed(0)} MB/s in the image, ${median(host).toFixed(0)} on its disk, ${ratio.toFixed(2)} of it; ` +
      `the image takes ${(taken / 1e9).toFixed(1)} GB`,
  );
}

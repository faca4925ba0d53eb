/**
 * `npm run demo`: the main job, end to end, in a directory of its own. Four generations of eight spawns go through the
 * gate; ten instances are kept, twenty-two pruned, sizes measured. The pool is in an image where this machine can have one;
 * with --copy it is on the disk itself. Exits 0 only if all of that came true.
 */
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBoard } from '@spica/cli';
import { submitTo } from '@spica/client/redis';
import { type Config, formatBytes, resolveConfig, systemClock } from '@spica/core';
import { readSpace } from '@spica/pool';
import { connectProducer, openQueues, type RequestResult, runJob, watchRequests } from '@spica/queues';
import { createLogger, type ServedContext, startEmbeddedRedis, startRuntime } from '@spica/workers';
import { readFlags } from '../flags.ts';
import { checkAll, readDeletions } from './checks.ts';
import { compareClones, makePool, watchFloors } from './pool.ts';
import { printChecks, printDeletions, printKept } from './report.ts';
import { makeTemplate } from './template.ts';

const GENERATIONS = 4;
const PER_GENERATION = 8;

const flags = readFlags('demo', {
  options: { keep: { type: 'boolean', default: false }, copy: { type: 'boolean', default: false } },
});
const started = performance.now();
const say = (text: string) =>
  console.log(`[${((performance.now() - started) / 1000).toFixed(1).padStart(5)}s] ${text}`);

async function writeConfig(dir: string): Promise<{ config: Config; path: string }> {
  const path = join(dir, 'spica.yaml');
  const { availableBytes } = await readSpace(dir);
  const floorGb = Math.min(1, availableBytes / 2e9).toFixed(3);
  const text = [
    'pools:',
    '  main:',
    '    root: ./instances',
    '    templates: { default: ./template }',
    '    retention: { max_instances: 10, max_age_days: 3, prune_on_spawn: true, trash_ttl: 0s }',
    `    disk: { min_free_space_gb: ${floorGb}, min_free_inodes_percent: 1 }`,
    'server: { port: 0 }',
    '',
  ].join('\n');
  await writeFile(path, text);
  const env = { SPICA_STATE_DIR: join(dir, 'state') };
  return {
    config: resolveConfig({ file: { path, text }, env, flags: {}, cwd: dir, home: dir }).config,
    path,
  };
}

/** Submits the generations one after another, as a tournament does, and shows each one's way. */
async function runGenerations(ctx: ServedContext, redis: Awaited<ReturnType<typeof connectProducer>>) {
  const queues = openQueues('main', redis);
  const watcher = await watchRequests(queues, redis);
  const results: RequestResult[] = [];
  try {
    const ids: string[] = [];
    for (let generation = 0; generation < GENERATIONS; generation += 1) {
      const body = {
        count: PER_GENERATION,
        params: { GENERATION: generation, LEARNING_RATE: 0.1 / (generation + 1) },
        experiment: 'demo',
        notes: `generation ${generation}`,
      };
      const pool = { name: 'main', queues, catalog: ctx.catalog };
      const { id } = await submitTo(pool, body, { key: null, by: null, clock: systemClock });
      ids.push(id);
      say(`request ${id} submitted: generation ${generation}, ${PER_GENERATION} instances`);
    }
    const waits = ids.map(async (id, generation) => {
      const result = await watcher.wait(id, {
        timeoutMs: 600_000,
        onProgress: ({ phase, reason }) => say(`generation ${generation}: ${phase}: ${reason}`),
      });
      results.push(result);
    });
    await Promise.all(waits);
    // As the schedule does: what went for its slot gives its space back here.
    await runJob(queues.prune, 'prune', { pool: 'main', cause: 'schedule' }, { redis });
    const sampled = await runJob(queues.sample, 'sample', { pool: 'main', ids: null }, { redis });
    say(`sampler: ${JSON.stringify(sampled)}`);
    return results;
  } finally {
    await watcher.close();
    ctx.logger.debug('generations ended');
  }
}

async function main(): Promise<boolean> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-demo-'));
  say(`working in ${dir}`);
  await makeTemplate(join(dir, 'template'));
  const { config, path } = await writeConfig(dir);
  const policy = config.pools['main'];
  if (!policy) throw new Error('the demo has no pool');
  await mkdir(config.stateDir, { recursive: true });
  const pool = await makePool(policy, flags);
  say(
    pool.why === null
      ? `the pool is in an image, ${policy.root}.img`
      : `the pool is in no image: ${pool.why}`,
  );
  const logger = createLogger({ level: 'warn', pretty: true });
  const redis = await startEmbeddedRedis({ stateDir: config.stateDir, logger });
  const runtime = await startRuntime({ config, target: redis.target, clock: systemClock, logger });
  const board = await startBoard({ config, logger });
  const ctx = runtime.pools.get('main');
  if (!ctx) throw new Error('the demo serves no pool');
  say(`the stack is up: pool main clones by ${ctx.method}, Bull Board at ${board.url}/queues`);
  const floors = await watchFloors(policy, dir, pool.isInImage);
  const producer = await connectProducer(redis.target);
  try {
    const results = await runGenerations(ctx, producer);
    const disks = floors.map(({ watch, ...floor }) => ({ ...floor, before: watch.before, ...watch.stop() }));
    const deletions = await readDeletions(runtime.auditPath);
    printDeletions(deletions);
    await printKept(ctx);
    const checks = await checkAll({ ctx, results, deletions, disks, boardUrl: board.url });
    console.log('');
    for (const { what, before, lowest, after, floorBytes } of disks) {
      console.log(
        `${what}: ${formatBytes(before)} available before, ${formatBytes(lowest)} at the lowest, ${formatBytes(after)} after; floor ${formatBytes(floorBytes)}`,
      );
    }
    console.log(await compareClones(ctx, dir));
    console.log(`Audit log: ${runtime.auditPath}`);
    printChecks(checks);
    if (flags.keep) await keepRunning(board.url, path, config.stateDir);
    return checks.every(({ ok }) => ok);
  } finally {
    for (const { watch } of floors) watch.stop();
    producer.disconnect();
    await board.close();
    await runtime.close();
    await redis.stop();
    await pool.close();
    goOn(path, config.stateDir, dir, pool.isInImage);
  }
}

function goOn(path: string, stateDir: string, dir: string, isInImage: boolean): void {
  console.log('\nGo on by hand:');
  console.log(`  export SPICA_CONFIG=${path} SPICA_STATE_DIR=${stateDir}`);
  console.log('  node_modules/.bin/spica up          # in one terminal: workers, Bull Board');
  console.log(
    '  node_modules/.bin/spica ls          # in another; then: spawn -n 2, status, prune --dry-run',
  );
  if (isInImage)
    console.log('  node_modules/.bin/spica image unmount   # when done: `spica up` leaves the image mounted');
  console.log(`  rm -rf ${dir}      # when done (chmod -R u+w first if you are not root)`);
}

async function keepRunning(url: string, path: string, stateDir: string): Promise<void> {
  console.log(`\nStill running: Bull Board at ${url}/queues. Ctrl-C ends it. From another terminal:`);
  console.log(`  SPICA_CONFIG=${path} SPICA_STATE_DIR=${stateDir} node_modules/.bin/spica status`);
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  await promise;
}

const ok = await main();
say(ok ? 'all of it came true' : 'NOT all of it came true');
process.exitCode = ok ? 0 : 1;

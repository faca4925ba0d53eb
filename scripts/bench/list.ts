import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createCatalog } from '@spica/catalog';
import type { InstanceRecord } from '@spica/core';
import { connectWorker, embeddedSocketOf } from '@spica/queues';
import { createLogger, startEmbeddedRedis } from '@spica/workers';
import { execa } from 'execa';
import type { Redis } from 'ioredis';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';
import { measureFrames } from './frames.ts';
import { numberedRecord } from './record.ts';
import { makeTemplate } from './template.ts';

const SPICA = join(import.meta.dirname, '../../dist/spica/lib/spica.js');
const ROUNDS = 5;
const MINUTE = 60_000;
/** Written at a time. */
const STEP = 1_000;
/** What a stack may hold of memory at any time. */
const MOST_MB = 300;

/**
 * Looking at a pool of 100,000 instances that a real stack serves: `spica ls`, parts of the list over HTTP, `/metrics`,
 * an action that is tried; how long each takes, how many commands Redis gets for it, and what the stack holds of memory.
 * Options: --instances.
 */
export async function run(args: string[]): Promise<void> {
  const options = { instances: { type: 'string', default: '100000' } } as const;
  const count = Number(readFlags('bench list', { args, options }).instances);
  if (!existsSync(SPICA)) throw new Error(`no bundle at ${SPICA}: npm run build`);
  const dir = await mkdtemp(join(tmpdir(), 'spica-bench-list-'));
  const env = { SPICA_STATE_DIR: join(dir, 'state'), XDG_CACHE_HOME: join(dir, 'cache') };
  const spica = (...given: string[]) => execa(process.execPath, [SPICA, ...given], { cwd: dir, env });
  try {
    await writeProject(dir, count);
    await spica('init');
    await fill(dir, count);
    const began = performance.now();
    const up = spica('up', '--json');
    if (!up.stdout) throw new Error('spica up has no output');
    try {
      const [printed] = await Promise.race([once(up.stdout, 'data'), up.then(() => [''])]);
      console.log(`up with ${count} instances after ${seconds(performance.now() - began)}`);
      const redis = connectWorker({ socket: embeddedSocketOf(join(dir, 'state')) });
      const { stdout: token } = await spica('token', 'create', '--role', 'operator');
      const site = { url: new URL(JSON.parse(String(printed)).board), token, redis, pid: up.pid ?? 0 };
      await measure(site, spica);
      redis.disconnect();
    } finally {
      up.kill('SIGINT');
      await up;
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Site {
  readonly url: URL;
  readonly token: string;
  readonly redis: Redis;
  readonly pid: number;
}

async function writeProject(dir: string, count: number): Promise<void> {
  await makeTemplate(join(dir, 'template'), { files: 20, bytes: 20_000 });
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0 };
  const retention = { max_instances: count - 100, max_age_days: 365, min_age: '100d' };
  const main = { root: './instances', templates: { default: './template' }, disk, retention };
  const server = { port: 0, rate_limit: null };
  await writeFile(
    join(dir, 'spica.yaml'),
    JSON.stringify({ pools: { main }, server, log: { level: 'warn' } }),
  );
}

/** The instances are empty directories; their records and the catalog say that they are more. */
async function fill(dir: string, count: number): Promise<void> {
  const logger = createLogger({ level: 'warn', pretty: true });
  const server = await startEmbeddedRedis({ stateDir: join(dir, 'state'), logger });
  const redis = connectWorker(server.target);
  const catalog = createCatalog({ redis, pool: 'main' });
  const root = join(dir, 'instances');
  const [now, due] = [Date.now(), Date.now() + 365 * 86_400_000];
  for (let from = 0; from < count; from += STEP) {
    const records = Array.from({ length: Math.min(STEP, count - from) }, (_, i) => aRecord(from + i, now));
    await Promise.all(
      records.map(async (record) => {
        await mkdir(join(root, record.id));
        await writeFile(join(root, '.spica/records', `${record.id}.json`), JSON.stringify(record));
        await catalog.adopt(record);
        if (record.sample) await catalog.recordSample(record.id, record.sample, due);
      }),
    );
  }
  redis.disconnect();
  await server.stop();
}

/** One a minute, of 50 runners. */
function aRecord(n: number, now: number): InstanceRecord {
  const spawnedAt = now - (n + 1) * MINUTE;
  const bytes = 1e9 + ((n * 7_919) % 1e6) * 4096;
  return {
    ...numberedRecord(n, { spawnedAt, bytes, lease: { expiresAt: now + 600 * MINUTE, since: 0 } }),
    by: `runner-${n % 50}`,
    labels: { stage: n % 3 === 0 ? 'tune' : 'test' },
    score: n % 7 === 0 ? n / 1e5 : null,
  };
}

const LOOKS: readonly (readonly [what: string, path: string])[] = [
  ['the first view (limit=100)', '/v1/instances?limit=100'],
  ['1,000 at an offset of 50,000', '/v1/instances?limit=1000&offset=50000'],
  ['filter and sort by size', '/v1/instances?experiment=experiment-7&sort=size&limit=100'],
  ['what would go, the largest first', '/v1/instances?rule=goes&sort=size&limit=100'],
  ['search in all texts', '/v1/instances?q=runner-17&sort=score&limit=100'],
  ['500 by their ids', `/v1/instances?limit=500&ids=${ids(500)}`],
  ['one instance', `/v1/instances/${ids(1)}`],
  ['the pool', '/v1/pools/main'],
  ['a month of its disk', '/v1/pools/main/history?hours=720'],
  ['what takes its space', '/v1/pools/main/space'],
  ['the newest of the audit log', '/v1/audit?limit=100'],
  ['/metrics', '/metrics'],
];

function ids(count: number): string {
  return Array.from({ length: count }, (_, i) => `spica-${(i * 150).toString(16).padStart(12, '0')}`).join(
    ',',
  );
}

async function measure(site: Site, spica: (...args: string[]) => ReturnType<typeof execa>): Promise<void> {
  await printMemory('at the start', site.pid);
  const first = await time(() => get(site, '/v1/instances?limit=100'));
  console.log(`the very first look at the list: ${first.toFixed(0)} ms`);
  await printMemory('after it', site.pid);
  console.log(`\nmedian of ${ROUNDS} rounds, slowest, commands to Redis for each:`);
  for (const [what, path] of LOOKS) await tell(site, what, () => get(site, path));
  await tell(site, 'release of all that match, dry run', () =>
    get(site, '/v1/instances/actions?dryRun=true', {
      action: 'release',
      match: { lease: 'held' },
      reason: 'bench',
    }),
  );
  // Each at a limit of its own, as whoever moves one asks.
  let limit = 100;
  await tell(site, 'what another max_instances would do', () => {
    limit += 100;
    return get(site, '/v1/plans', { whatIf: { maxInstances: limit } });
  });
  await tell(site, 'spica prune, which finds all kept', () => spica('prune', '--yes'));
  await tell(site, 'spica ls --limit 200', () => spica('ls', '--limit', '200'));
  await tell(site, 'spica ls --search … --sort size', () =>
    spica('ls', '--limit', '200', '--search', 'runner-17', '--sort', 'size'),
  );
  const whole = await time(() => spica('ls', '--quiet'));
  console.log(`spica ls --quiet, all of them: ${seconds(whole)}`);
  await printMemory('after all that', site.pid);
  await measureFrames(site);
}

async function tell({ redis }: Site, what: string, work: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  const before = await commandsOf(redis);
  for (let round = 0; round < ROUNDS; round += 1) times.push(await time(work));
  const commands = ((await commandsOf(redis)) - before) / ROUNDS;
  const figures = [median(times), Math.max(...times)].map((ms) => `${ms.toFixed(0).padStart(6)} ms`);
  console.log(`  ${what.padEnd(36)} ${figures.join('  ')}  ${commands.toFixed(0).padStart(6)} commands`);
  if (median(times) > 1_000) process.exitCode = 1;
}

/** All that Redis did, what the stack does by itself in that time included. */
async function commandsOf(redis: Redis): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1]);
}

async function get({ url, token }: Site, path: string, body?: object): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const method = body ? 'POST' : 'GET';
  const sent = request({ hostname: url.hostname, port: url.port, path, method, headers, agent: false });
  sent.end(body && JSON.stringify(body));
  const [response] = await once(sent, 'response');
  const answer = await buffer(response);
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}: ${answer}`);
}

async function printMemory(when: string, pid: number): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [now, most] = ['VmRSS', 'VmHWM'].map((name) => {
    return ((Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024) / 1e6).toFixed(0);
  });
  console.log(`memory of the stack ${when}: ${now} MB, at most ${most} MB until here`);
  if (Number(most) > MOST_MB) process.exitCode = 1;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

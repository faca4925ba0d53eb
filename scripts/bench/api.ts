import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, type RequestOptions, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';
import { makeTemplate } from './template.ts';

const SPICA = join(import.meta.dirname, '../../dist/spica/lib/spica.js');
const UNLOADED = 500;
/** After that long all clients are connected, and the server holds what it needs: times count from then. */
const SETTLE_MS = 5_000;

/** A stack that is up, and what its clients know of it. */
interface Site {
  readonly pid: number;
  readonly url: URL;
  readonly token: string;
  readonly instance: string;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly token?: string | undefined;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The only answers that are right. */
  readonly expected: readonly number[];
}

/**
 * Many clients at once on the HTTP API of a stack of its own, each with a connection and a pause between its calls, some
 * valid, some not: answers by status, how long a GET takes at the 99th percentile against the same GET before the load,
 * and the server's memory. Options: --clients, --seconds, --pause (ms).
 */
export async function run(args: string[]): Promise<void> {
  const options = {
    clients: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '30' },
    pause: { type: 'string', default: '2000' },
  } as const;
  const { clients, seconds, pause } = readFlags('bench api', { args, options });
  if (!existsSync(SPICA)) throw new Error(`no bundle at ${SPICA}: npm run build`);
  const dir = await mkdtemp(join(tmpdir(), 'spica-bench-api-'));
  try {
    await withSite(dir, async (site) => {
      const unloaded = await measureUnloaded(site);
      const loaded = await load(site, {
        clients: Number(clients),
        ms: Number(seconds) * 1_000,
        pauseMs: Number(pause),
      });
      print(unloaded, loaded);
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function withSite(dir: string, work: (site: Site) => Promise<void>): Promise<void> {
  await makeTemplate(join(dir, 'template'), { files: 20, bytes: 20_000 });
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0 };
  const main = { root: './instances', templates: { default: './template' }, disk };
  const config = { pools: { main }, gate: { max_wait: '0s' }, server: { port: 0, rate_limit: null } };
  await writeFile(join(dir, 'spica.yaml'), JSON.stringify({ ...config, log: { level: 'warn' } }));
  const env = { SPICA_STATE_DIR: join(dir, 'state'), XDG_CACHE_HOME: join(dir, 'cache') };
  const spica = (...given: string[]) => execa(process.execPath, [SPICA, ...given], { cwd: dir, env });
  await spica('init');
  const up = spica('up', '--json');
  if (!up.stdout) throw new Error('spica up has no output');
  try {
    const [printed] = await Promise.race([once(up.stdout, 'data'), up.then(() => [''])]);
    const { board } = JSON.parse(String(printed));
    const { stdout: token } = await spica('token', 'create', '--role', 'runner');
    const { stdout: spawned } = await spica('spawn', '--json');
    await work({
      pid: up.pid ?? 0,
      url: new URL(board),
      token,
      instance: JSON.parse(spawned).instances[0].id,
    });
  } finally {
    up.kill('SIGINT');
    await up;
  }
}

const theGet = ({ instance, token }: Site): Call => ({
  method: 'GET',
  path: `/v1/instances/${instance}`,
  token,
  expected: [200],
});

async function measureUnloaded(site: Site): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let i = 0; i < UNLOADED; i += 1) times.push(await time(() => send(site, agent, theGet(site))));
  agent.destroy();
  return times;
}

/** Half of the calls are the GET that is measured; the others are in turn. */
function mixOf(site: Site): readonly Call[] {
  const { token } = site;
  const json = { 'content-type': 'application/json' };
  const others: Call[] = [
    { method: 'GET', path: '/v1/instances?limit=20', token, expected: [200] },
    { method: 'GET', path: '/v1/requests?limit=5', token, expected: [200] },
    { method: 'GET', path: '/v1/pools/main', token, expected: [200] },
    { method: 'GET', path: '/v1/instances/spica-ffffffffffff', token, expected: [404] },
    { method: 'GET', path: '/v1/pools', expected: [401] },
    { method: 'POST', path: '/v1/plans', token, body: '{}', headers: json, expected: [403] },
    { method: 'POST', path: '/v1/requests', token, body: '{"count":0}', headers: json, expected: [400] },
    { method: 'POST', path: '/v1/requests', token, body: '{"count":', headers: json, expected: [400] },
    {
      method: 'POST',
      path: '/v1/requests',
      token,
      body: '{"count":1}',
      headers: { ...json, 'idempotency-key': 'bench' },
      expected: [200, 201],
    },
  ];
  return others.flatMap((other) => [theGet(site), other]);
}

interface Loaded {
  readonly times: readonly number[];
  readonly statuses: ReadonlyMap<number, number>;
  /** Answers that were not right; 503 with `Retry-After` is told apart. */
  readonly wrong: number;
  readonly ms: number;
  readonly settledBytes: number;
  readonly endBytes: number;
}

async function load(
  site: Site,
  { clients, ms, pauseMs }: { clients: number; ms: number; pauseMs: number },
): Promise<Loaded> {
  const times: number[] = [];
  const statuses = new Map<number, number>();
  let wrong = 0;
  const mix = mixOf(site);
  const [settles, ends] = [performance.now() + SETTLE_MS, performance.now() + ms];
  const client = async (number: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await setTimeout((pauseMs * number) / clients);
    for (let turn = number; performance.now() < ends; turn += 1) {
      const call = mix[turn % mix.length];
      if (!call) throw new Error('no call');
      const began = performance.now();
      const { status, retryAfter } = await send(site, agent, call);
      if (began >= settles && call.path === theGet(site).path) times.push(performance.now() - began);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (!call.expected.includes(status) && !(status === 503 && retryAfter)) wrong += 1;
      await setTimeout(pauseMs * (0.5 + Math.random()));
    }
    agent.destroy();
  };
  const settled = setTimeout(SETTLE_MS).then(() => residentBytes(site.pid));
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return { times, statuses, wrong, ms, settledBytes: await settled, endBytes: await residentBytes(site.pid) };
}

function send(
  { url }: Site,
  agent: Agent,
  { method, path, token, body, headers = {} }: Call,
): Promise<{ status: number; retryAfter: boolean }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; retryAfter: boolean }>();
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const where: RequestOptions = { hostname: url.hostname, port: url.port, path, method, agent };
  const call = request({ ...where, headers: { ...authorization, ...headers } }, (response) => {
    response.resume().on('end', () => {
      resolve({ status: response.statusCode ?? 0, retryAfter: 'retry-after' in response.headers });
    });
  });
  call.on('error', reject);
  call.end(body);
  return promise;
}

function print(unloaded: readonly number[], loaded: Loaded): void {
  const { times, statuses, wrong, ms, settledBytes, endBytes } = loaded;
  const [before, under] = [p99(unloaded), p99(times)];
  const answers = [...statuses].sort(([a], [b]) => a - b);
  const all = answers.reduce((sum, [, count]) => sum + count, 0);
  console.log(
    `${all} answers, ${((all * 1_000) / ms).toFixed(0)}/s: ${answers.map(([status, count]) => `${count} × ${status}`).join(', ')}`,
  );
  console.log(`answers that were not right: ${wrong}`);
  console.log(
    `a GET at the median: ${median(times).toFixed(1)} ms, unloaded ${median(unloaded).toFixed(1)} ms`,
  );
  console.log(
    `a GET at the 99th percentile: ${under.toFixed(1)} ms, ${(under / before).toFixed(2)} × unloaded (${before.toFixed(1)} ms)`,
  );
  console.log(
    `memory: ${mb(endBytes)} resident, ${(endBytes / settledBytes).toFixed(2)} × after ${SETTLE_MS / 1_000} s of load (${mb(settledBytes)})`,
  );
  if (wrong > 0) process.exitCode = 1;
}

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN;
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { readFlags } from '../flags.ts';
import { median } from './figures.ts';
import { makeTemplate } from './template.ts';

const SPICA = join(import.meta.dirname, '../../dist/spica/lib/spica.js');
const CLIENT = join(import.meta.dirname, '../../dist/client/lib/index.js');
const ROUNDS = 15;
const STARTS = 5;
/** Until a stack does nothing any more, and its idle threads have ended. */
const REST_MS = 40_000;
const TOKEN = 'a'.repeat(32);

/** Starts of the bundled command in a project of its own; what it keeps compiled lies there, too. */
type Start = (...args: string[]) => ReturnType<typeof execa>;

/**
 * How long commands of the bundle take against a running stack, in turns, against `spica --version` and `node -e 0`; how
 * long `spica up` takes until it serves, with nothing to mend, and the memory that it holds at rest.
 */
export async function run(args: string[]): Promise<void> {
  readFlags('bench start', { args, options: {} });
  if (!existsSync(SPICA)) throw new Error(`no bundle at ${SPICA}: npm run build`);
  const dir = await mkdtemp(join(tmpdir(), 'spica-bench-start-'));
  try {
    await writeProject(dir);
    const env = { SPICA_STATE_DIR: join(dir, 'state'), XDG_CACHE_HOME: join(dir, 'cache') };
    const start: Start = (...given) => execa(process.execPath, [SPICA, ...given], { cwd: dir, env });
    await timeClient();
    await start('init');
    await timeUp(start);
    await withUp(start, async (pid) => {
      await setTimeout(REST_MS);
      await printMemory('before the first spawn', pid);
      await timeCommands(start, { cwd: dir, env });
      await setTimeout(REST_MS);
      await printMemory('after some', pid);
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function writeProject(dir: string): Promise<void> {
  await makeTemplate(join(dir, 'template'), { files: 20, bytes: 20_000 });
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0 };
  const main = { root: './instances', templates: { default: './template' }, disk };
  await writeFile(join(dir, 'spica.yaml'), JSON.stringify({ pools: { main }, server: { port: 0 } }));
}

/** Runs `work` with the process id of a stack that is up, and ends it. */
async function withUp(start: Start, work: (pid: number) => Promise<void>): Promise<void> {
  const up = start('up', '--json');
  if (!up.stdout) throw new Error('spica up has no output');
  await Promise.race([once(up.stdout, 'data'), up]); // rejects with what it said if it ends early
  try {
    await work(up.pid ?? 0);
  } finally {
    up.kill('SIGINT');
    await up;
  }
}

/** Loads the client as a runner does, in processes of their own. */
async function timeClient(): Promise<void> {
  const times: number[] = [];
  const load = `const t = performance.now(); await import(${JSON.stringify(CLIENT)}); console.log(performance.now() - t)`;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { stdout } = await execa(process.execPath, ['--input-type=module', '-e', load]);
    times.push(Number(stdout));
  }
  console.log(
    `@spica/client is loaded after ${median(times).toFixed(0)} ms, median of ${ROUNDS} (less than 100)`,
  );
}

async function timeUp(start: Start): Promise<void> {
  const times: number[] = [];
  for (let i = 0; i <= STARTS; i += 1) {
    const begun = performance.now();
    await withUp(start, async () => {
      times.push(performance.now() - begun);
    });
  }
  times.shift(); // nothing was compiled yet
  console.log(`spica up is ready after ${median(times).toFixed(0)} ms, median of ${STARTS} starts`);
}

async function timeCommands(start: Start, { cwd, env }: Place): Promise<void> {
  const { stdout } = await start('spawn', '-n', '3', '--json');
  const id: string = JSON.parse(String(stdout)).instances[0].id;
  const commands: Record<string, readonly string[]> = {
    'node -e 0': ['-e', '0'],
    '--version': [SPICA, '--version'],
    ls: [SPICA, 'ls'],
    'ls, alone': [SPICA, '--verbose', 'ls'], // which does not ask the stack
    status: [SPICA, 'status'],
    lease: [SPICA, 'lease', id, '--token', TOKEN],
    release: [SPICA, 'release', id, '--token', TOKEN],
  };
  const costs = new Map(Object.keys(commands).map((name) => [name, [] as Cost[]]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, args] of Object.entries(commands)) {
      const cost = await costOf(args, { cwd, env });
      if (round > 0) costs.get(name)?.push(cost); // the first round compiles
    }
  }
  printCommands(costs);
}

/** Where commands start. */
interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What a program took, milliseconds: by the clock, and of the processor, which other work on the machine leaves alone. */
interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

async function costOf(args: readonly string[], place: Place): Promise<Cost> {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>/dev/null';
  const { stderr } = await execa('bash', ['-c', script, 'bash', process.execPath, ...args], {
    ...place,
    env: { ...place.env, LC_ALL: 'C' },
  });
  const [real = 0, user = 0, system = 0] = stderr.trim().split(' ').map(Number);
  return { ms: real * 1_000, cpuMs: (user + system) * 1_000 };
}

function printCommands(costs: ReadonlyMap<string, readonly Cost[]>): void {
  const medians = (name: string) => {
    const each = costs.get(name) ?? [];
    return { ms: median(each.map(({ ms }) => ms)), cpuMs: median(each.map(({ cpuMs }) => cpuMs)) };
  };
  const [node, version] = [medians('node -e 0'), medians('--version')];
  console.log(`\nagainst a running stack, median of ${ROUNDS} rounds, by the clock and of the processor:`);
  for (const name of costs.keys()) {
    const { ms, cpuMs } = medians(name);
    const ofVersion = `${(ms / version.ms).toFixed(2)}, ${(cpuMs / version.cpuMs).toFixed(2)} × --version`;
    const ofNode = `${(ms / node.ms).toFixed(2)}, ${(cpuMs / node.cpuMs).toFixed(2)} × node -e 0`;
    const figures = `${ms.toFixed(0).padStart(5)} ms, ${cpuMs.toFixed(0).padStart(4)} ms`;
    console.log(`  ${name.padEnd(10)} ${figures}   ${ofVersion}   ${ofNode}`);
  }
}

/** What the kernel counts for the process, without its Redis. */
async function printMemory(when: string, pid: number): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  console.log(`\nspica up at rest, ${when}: ${(bytes / 1e6).toFixed(0)} MB resident`);
}

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { execa } from 'execa';
import { readFlags } from '../flags.ts';
import { median, time } from './figures.ts';
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
      await timeCommands(start);
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
  console.log(`@spica/client is loaded after ${median(times).toFixed(0)} ms, median of ${ROUNDS} (less than 100)`);
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

async function timeCommands(start: Start): Promise<void> {
  const { stdout } = await start('spawn', '-n', '3', '--json');
  const id: string = JSON.parse(String(stdout)).instances[0].id;
  const commands: Record<string, () => Promise<unknown>> = {
    'node -e 0': () => execa(process.execPath, ['-e', '0']),
    '--version': () => start('--version'),
    ls: () => start('ls'),
    status: () => start('status'),
    lease: () => start('lease', id, '--token', TOKEN),
    release: () => start('release', id, '--token', TOKEN),
  };
  const times = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [name, command] of Object.entries(commands)) {
      const ms = await time(command);
      if (round > 0) times.get(name)?.push(ms); // the first round compiles
    }
  }
  printCommands(times);
}

function printCommands(times: ReadonlyMap<string, readonly number[]>): void {
  const [node, version] = [median(times.get('node -e 0') ?? []), median(times.get('--version') ?? [])];
  console.log(`\nagainst a running stack, median of ${ROUNDS} rounds:`);
  for (const [name, each] of times) {
    const ms = median(each);
    const ratios = `${(ms / version).toFixed(2)} × --version   ${(ms / node).toFixed(2)} × node -e 0`;
    console.log(`  ${name.padEnd(10)} ${ms.toFixed(0).padStart(5)} ms   ${ratios}`);
  }
}

/** What the kernel counts for the process, without its Redis. */
async function printMemory(when: string, pid: number): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  console.log(`\nspica up at rest, ${when}: ${(bytes / 1e6).toFixed(0)} MB resident`);
}

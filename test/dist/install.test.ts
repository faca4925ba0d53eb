import { glob, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import root from '../../package.json' with { type: 'json' };
import { install, type Machine, RegistryUnreachable } from './machine.ts';

const CHECKOUT = join(import.meta.dirname, '../..');

let machine: Machine;
let unreachable: string | null = null;

beforeAll(async () => {
  try {
    machine = await install();
  } catch (error) {
    if (!(error instanceof RegistryUnreachable)) throw error;
    unreachable = error.message;
  }
});

afterAll(() => machine?.close());

beforeEach((context) => {
  if (unreachable !== null) context.skip(unreachable);
});

it('the installed command has the version of the root, and lists its commands', async () => {
  expect(await machine.spica('--version')).toMatchObject({ exitCode: 0, stdout: root.version, stderr: '' });
  expect((await machine.spica('--help')).stdout).toContain('spawn');
  // Where `man spica` looks, as npm puts it there.
  const manual = join(machine.installed, '../../../share/man/man1/spica.1');
  expect(await readFile(manual, 'utf8')).toContain(`.TH SPICA 1 "" "spica ${root.version}"`);
});

it('the installed command says what to do where its directory is gone', async () => {
  expect(await machine.spicaInGone('--version')).toMatchObject({
    exitCode: 0,
    stdout: root.version,
    stderr: '',
  });
  const { exitCode, stderr } = await machine.spicaInGone('ls');
  expect([exitCode, stderr]).toEqual([
    2,
    expect.stringMatching(/^error: the directory that spica was started in is gone: /),
  ]);
  const config = join(machine.project, 'spica.yaml');
  expect(await machine.spicaInGone('config', '--config', config)).toMatchObject({ exitCode: 0 });
});

// A dozen programs one after another, each for the first time: nothing of them is compiled yet.
it('the installed command serves a pool, spawns from it and shows its page and its board', async () => {
  expect(await machine.spica('init')).toMatchObject({ exitCode: 0, stderr: '' });
  const board = await machine.up();
  const spawned = await machine.spica('spawn', '-n', '2', '--set', 'SEED=1', '--lease', '1h', '--json');
  expect(spawned).toMatchObject({ exitCode: 0 });
  const { instances, lease } = JSON.parse(spawned.stdout);
  expect(instances).toHaveLength(2);
  const [{ id, path }] = instances;
  expect(path).toMatch(join(machine.project, 'instances/'));
  expect(await readFile(join(path, '.env.spica'), 'utf8')).toBe('MODEL=baseline\nSEED=1\n');
  expect(await readFile(join(path, 'data/file-299'), 'utf8')).toHaveLength(1000);

  expect((await machine.spica('ls')).stdout.split('\n')).toHaveLength(2);
  const released = await machine.spica('release', id, '--token', lease.token);
  expect(released).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await machine.spica('status')).stdout).toMatch(/^served +yes$/m);
  expect(await machine.spica('doctor')).toMatchObject({ exitCode: 0 });

  const page = await (await fetch(board)).text();
  const script = /static\/[^"]+\.js/.exec(page)?.[0];
  expect((await fetch(`${board}/${script}`)).status).toBe(200);
  const origin = new URL(board).origin;
  const shown = await (await fetch(origin)).text();
  const main = /\/assets\/[^"]+\.js/.exec(shown)?.[0] ?? 'none';
  const asked = { headers: { 'accept-encoding': 'br' } };
  expect((await fetch(new URL(main, origin), asked)).headers.get('content-encoding')).toBe('br');
  expect(await (await fetch(`${origin}/healthz`)).json()).toMatchObject({
    status: 'ok',
    version: root.version,
  });
  expect(await (await fetch(`${origin}/metrics`)).text()).toContain('spica_instances{pool="main"} 2');
});

/** What the command loads, one name a line, into the file that LOADED names. */
const NOTE_LOADED = `
import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { basename } from 'node:path';
registerHooks({
  load(url, context, next) {
    if (url.endsWith('.js')) appendFileSync(process.env.LOADED, basename(url) + '\\n');
    return next(url, context);
  },
});
`;

it('the stack answers what only looks, to the byte as the command does by itself, which then loads little', async () => {
  const { stdout } = await machine.spica('spawn', '-n', '1', '--experiment', 'é', '--json');
  const [{ id }] = JSON.parse(stdout).instances;
  expect(await machine.spica('sample')).toMatchObject({ exitCode: 0 }); // nothing is measured meanwhile
  const hook = join(machine.project, 'note-loaded.js');
  await writeFile(hook, NOTE_LOADED);
  const lib = join(machine.installed, 'lib');
  const start = async (...args: string[]) => {
    const loaded = join(machine.project, `loaded-${args.length}-${args[0]}`);
    const run = await execa('node', ['--import', hook, join(lib, 'spica.js'), ...args], {
      cwd: machine.project,
      env: { ...machine.env, LOADED: loaded },
      extendEnv: false,
      reject: false,
    });
    const names = (await readFile(loaded, 'utf8')).trim().split('\n');
    const codes = await Promise.all(names.map((name) => readFile(join(lib, name), 'utf8').catch(() => '')));
    return {
      said: { exitCode: run.exitCode, stdout: run.stdout, stderr: run.stderr },
      loadsRedis: codes.some((code) => /ioredis|bullmq/i.test(code)),
    };
  };
  for (const args of [['ls'], ['ls', '--json'], ['status'], ['status', '--json'], ['show', id]]) {
    const quick = await start(...args);
    const itself = await start('--verbose', ...args); // which the stack is not asked for
    expect(lasting(args, quick.said.stdout), args.join(' ')).toBe(lasting(args, itself.said.stdout));
    expect(quick.said.stderr).toBe(itself.said.stderr);
    expect(quick.said.exitCode).toBe(0);
    expect([quick.loadsRedis, itself.loadsRedis], args.join(' ')).toEqual([false, true]);
  }
  const token = '0'.repeat(32);
  const leased = await start('lease', id, '--token', token, '--ttl', '1h');
  expect([leased.said.exitCode, leased.loadsRedis]).toEqual([0, false]);
  expect(leased.said.stdout).toContain(token);
  const refused = await start('lease', id, '--token', '1'.repeat(32));
  expect(refused.said).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('is leased by') });
  expect((await start('release', id, '--token', token)).said).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse((await start('show', id, '--json')).said.stdout)).toMatchObject({ lease: null });

  const config = JSON.parse(await readFile(join(machine.project, 'spica.yaml'), 'utf8'));
  config.pools.main.retention = { max_instances: 7 };
  await writeFile(join(machine.project, 'other.yaml'), JSON.stringify(config));
  const other = await start('status', '--config', 'other.yaml');
  expect(other.said.stdout).toMatch(/^instances +\d+ of 7,/m);
  expect(other.loadsRedis).toBe(true);
});

/** Without what a second changes: ages, and the figures of a disk that others use, too. */
function lasting([command]: readonly string[], text: string): string {
  return command === 'status'
    ? text.replace(/-?\d+(\.\d+)? ?([A-Z]?B\b)?/g, '#')
    : text.replace(/\w+ old,/g, '# old,');
}

/** A runner's program. Types that were missing would be `any`, and the mistakes in it none. */
const RUNNER = `
import { type InstanceView, LeaseLostError, Spica, UsageError } from 'spica';

export async function run(): Promise<string[]> {
  await using spica = await Spica.connect({ pool: 'main' });
  spica.on('lease-lost', (error) => console.error(error.instance satisfies string));
  const request = await spica.spawn({ count: 2, params: { LR: 0.1 }, lease: '1h' });
  for await (const event of request) if (event.phase === 'held') console.error(event.position?.toFixed());
  await using batch = await request.ready({ timeout: '5m' });
  const view: InstanceView = await spica.instances.get(batch.instances[0]?.id ?? '');
  console.error(view.lease?.inForce === true, LeaseLostError.name);
  // @ts-expect-error there is no such option
  await spica.spawn({ count: 1, leese: '1h' });
  // @ts-expect-error a count is a number
  await spica.spawn({ count: 'two' });
  // @ts-expect-error an id is a text
  await spica.instances.get(7);
  return batch.instances.map(({ path }) => path);
}

try {
  await Spica.connect({ redisUrl: 'redis://127.0.0.1:1' });
} catch (error) {
  console.log(error instanceof UsageError, (error as { code?: string }).code);
}
`;

/** Tells, at the end, which modules of the client were loaded. */
const LOADED = `
import { registerHooks } from 'node:module';
import { basename } from 'node:path';
const loaded = [];
registerHooks({
  load(url, context, next) {
    if (url.includes('@spica/client')) loaded.push(basename(url));
    return next(url, context);
  },
});
process.on('exit', () => console.log(JSON.stringify(loaded)));
`;

const CLIENT_RUNNER = `
import { Spica } from '@spica/client';
import { TestServer } from '@spica/client/testing';

export async function spawnOne(spica: Spica): Promise<string[]> {
  const request = await spica.spawn({ count: 1, lease: '1h' });
  await using batch = await request.ready();
  // @ts-expect-error it is no number
  batch.instances[0]?.id satisfies number;
  return batch.instances.map(({ id }) => id);
}
const way = process.argv[2];
if (way === 'memory') {
  await using server = await TestServer.start({ maxInstances: 1 });
  console.log(JSON.stringify(await spawnOne(server.connect())));
} else {
  await using spica = await Spica.connect(way === undefined ? {} : { redisUrl: way });
  console.log(JSON.stringify(await spawnOne(spica)));
}
`;

it('the client installs by itself, and loads BullMQ only where it is to reach Redis', async () => {
  const dir = await machine.installClient('client-runner');
  const at = (name: string) => join(dir, name);
  const manifest = JSON.parse(await readFile(at('node_modules/@spica/client/package.json'), 'utf8'));
  expect([manifest.version, manifest.dependencies]).toEqual([root.version, undefined]);
  await mkdir(at('node_modules/@types'), { recursive: true });
  await symlink(join(CHECKOUT, 'node_modules/@types/node'), at('node_modules/@types/node'));
  await writeFile(at('runner.ts'), CLIENT_RUNNER);
  await writeFile(at('loaded.js'), LOADED);
  expect(await compile(dir)).toEqual(['', 0]);

  const node = async (...args: string[]) => {
    const program = ['--import', './loaded.js', 'runner.js', ...args];
    const { stdout } = await execa('node', program, { cwd: dir, env: machine.env, extendEnv: false });
    const [ids, loaded] = stdout.split('\n').map((line): string[] => JSON.parse(line));
    expect(ids).toEqual([expect.stringMatching(/^spica-/)]);
    return loaded;
  };
  expect(await node('memory')).not.toContain('http.js');
  const overSocket = await node();
  expect(overSocket).toContain('http.js');
  expect(overSocket).not.toContain('redis.js');
  const overRedis = await node(join(machine.env['HOME'] ?? '', '.local/state/spica/redis.sock'));
  expect(overRedis).toContain('redis.js');
  for await (const path of glob('node_modules/@spica/client/types/**/*.d.ts', { cwd: dir })) {
    const declared = (await readFile(at(path), 'utf8')).replace(/\/\*[\s\S]*?\*\//g, '');
    expect(declared, path).not.toMatch(/\bany\b/);
  }
  const lib = at('node_modules/@spica/client/lib');
  for (const name of await readdir(lib)) {
    if (name.endsWith('.js') && name !== 'redis.js')
      expect(await readFile(join(lib, name), 'utf8'), name).not.toMatch(/ioredis|BullMQ|bullmq/);
  }
});

/** What the compiler says of a project's TypeScript, and its exit code. */
async function compile(dir: string): Promise<[stdout: string, exitCode: number | undefined]> {
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
  };
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(CHECKOUT, 'node_modules/.bin/tsc');
  const { stdout, exitCode } = await execa(tsc, ['-p', dir], { reject: false });
  return [stdout, exitCode];
}

it('what a runner imports from the installed package works, and has its types with it', async () => {
  const at = (name: string) => join(machine.project, 'runner', name);
  await mkdir(at('node_modules/@types'), { recursive: true });
  await symlink(machine.installed, at('node_modules/spica'));
  await symlink(join(CHECKOUT, 'node_modules/@types/node'), at('node_modules/@types/node'));
  await writeFile(at('package.json'), '{ "type": "module" }');
  await writeFile(at('runner.ts'), RUNNER);
  expect(await compile(at('.'))).toEqual(['', 0]);
  const { stdout } = await execa('node', [at('runner.js')], { env: machine.env, extendEnv: false });
  expect(stdout).toBe('false REDIS_UNREACHABLE');
});

/** The modules that importing one of the installed package's brings at once, by their names, with their code. */
async function loadedWith(name: string, loaded = new Map<string, string>()): Promise<Map<string, string>> {
  if (loaded.has(name)) return loaded;
  const code = await readFile(join(machine.installed, 'lib', name), 'utf8');
  loaded.set(name, code);
  for (const [, other = ''] of code.matchAll(/(?:from|import)"\.\/([^"]+)"/g))
    await loadedWith(other, loaded);
  return loaded;
}

it('what a runner imports loads BullMQ only once it connects over Redis', async () => {
  const modules = [...(await loadedWith('index.js')).values()];
  expect(modules.filter((code) => code.includes('waitUntilFinished'))).toEqual([]);
  expect(modules.join('').length).toBeLessThan(300_000);
  const [way = ''] = modules.flatMap((code) => /import\([`"]\.\/(redis[^`"]*)/.exec(code)?.[1] ?? []);
  const overRedis = [...(await loadedWith(way)).values()];
  expect(overRedis.some((code) => code.includes('waitUntilFinished'))).toBe(true);
});

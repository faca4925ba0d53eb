import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
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
}, 180_000);

afterAll(() => machine?.close());

beforeEach((context) => {
  if (unreachable !== null) context.skip(unreachable);
});

it('the installed command has the version of the root, and lists its commands', async () => {
  expect(await machine.spica('--version')).toMatchObject({ exitCode: 0, stdout: root.version, stderr: '' });
  expect((await machine.spica('--help')).stdout).toContain('spawn');
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
it('the installed command serves a pool, spawns from it and shows its dashboard', {
  timeout: 180_000,
}, async () => {
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
  expect(await (await fetch(`${origin}/healthz`)).json()).toMatchObject({
    status: 'ok',
    version: root.version,
  });
  expect(await (await fetch(`${origin}/metrics`)).text()).toContain('spica_instances{pool="main"} 2');
});

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

it('what a runner imports from the installed package works, and has its types with it', async () => {
  const at = (name: string) => join(machine.project, 'runner', name);
  await mkdir(at('node_modules/@types'), { recursive: true });
  await symlink(machine.installed, at('node_modules/spica'));
  await symlink(join(CHECKOUT, 'node_modules/@types/node'), at('node_modules/@types/node'));
  await writeFile(at('package.json'), '{ "type": "module" }');
  await writeFile(at('runner.ts'), RUNNER);
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2024', 'esnext.disposable'],
    types: ['node'],
  };
  await writeFile(at('tsconfig.json'), JSON.stringify({ compilerOptions }));
  const tsc = join(CHECKOUT, 'node_modules/.bin/tsc');
  const checked = await execa(tsc, ['-p', at('.')], { reject: false });
  expect(checked.stdout).toBe('');
  expect(checked.exitCode).toBe(0);
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

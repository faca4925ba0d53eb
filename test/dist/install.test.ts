import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import root from '../../package.json' with { type: 'json' };
import { install, type Machine, RegistryUnreachable } from './machine.ts';

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

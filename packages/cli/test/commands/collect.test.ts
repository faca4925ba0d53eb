import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliStack, startCliStack } from '../stack.ts';

let to: string;
let cli: CliStack;
let id: string;
let path: string;

beforeAll(async () => {
  to = await mkdtemp(join(tmpdir(), 'spica-cli-results-'));
  cli = await startCliStack({ 'pools.main.collect_to': to });
  const spawned = await cli.spica('spawn', '--lease', '1h', '--collect', 'out/*', '--json');
  [{ id, path }] = JSON.parse(spawned.stdout).instances;
  await mkdir(join(path, 'out'));
  await writeFile(join(path, 'out/a'), 'a');
  await writeFile(join(path, 'b.csv'), 'b');
});

afterAll(async () => {
  await cli?.close();
  await rm(to, { recursive: true });
});

test('collects what the request asked for, of an instance that is leased, and shows where to', async () => {
  const { exitCode, stdout } = await cli.spica('collect', id, '--json');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    collected: [{ id, to: join(to, id), files: 1, bytes: 1, skipped: 0 }],
    forgone: [],
    failed: [],
  });
  expect(await readdir(join(to, id))).toEqual(['out', 'spica-collected.json']);
  expect((await cli.spica('show', id)).stdout).toContain(`to ${join(to, id)}`);
  const shown = JSON.parse((await cli.spica('ls', '--json')).stdout).instances[0];
  expect(shown).toMatchObject({ collect: ['out/*'], collected: { to: join(to, id) }, collectFailure: null });
});

test('collects something else from now on', async () => {
  expect((await cli.spica('collect', id, '--pattern', '*.csv')).exitCode).toBe(0);
  expect(await readdir(join(to, id))).toEqual(['b.csv', 'spica-collected.json']);
});

test('says what could not be collected, in ls and status too, until it is given up', async () => {
  await rm(to, { recursive: true });
  const failed = await cli.spica('collect', id);
  expect([failed.exitCode, failed.stderr]).toEqual([
    1,
    `${id} could not be collected: COLLECT_TARGET: ${to} is no directory (collect_to): make it, or mount its disk\n`,
  ]);
  expect((await cli.spica('status')).stdout).toContain(`the results of ${id}, which is kept: COLLECT_TARGET`);
  const doctor = await cli.spica('doctor');
  expect(doctor.stdout).toContain('its results could not be collected: COLLECT_TARGET');
  const given = await cli.spica('collect', id, '--none', '--json');
  expect(JSON.parse(given.stdout)).toMatchObject({ collected: [], forgone: [id], failed: [] });
  expect((await cli.spica('status')).stdout).not.toContain('cannot collect');
  await mkdir(to);
});

test.each([
  [['collect', 'spica-0123456789ab'], 1, 'no instance spica-0123456789ab'],
  [['collect', 'x'], 2, 'id'],
  [
    ['collect', 'spica-0123456789ab', '--pattern', '../x'],
    2,
    '--pattern: expected a pattern without "..", got "../x"',
  ],
  [
    ['collect', 'spica-0123456789ab', '--none', '--pattern', 'x'],
    2,
    '--none: expected no --pattern beside it',
  ],
  [
    ['spawn', '--collect', '/etc/**'],
    2,
    '--collect: expected a pattern relative to the instance, got "/etc/**"',
  ],
])('refuses %j', async (argv, code, text) => {
  const { exitCode, stderr } = await cli.spica(...argv);
  expect([exitCode, stderr]).toEqual([code, expect.stringContaining(text)]);
});

import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseInForce } from '@spica/core';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { processesAbout } from '../../../../test/support/process.ts';
import { MAIN } from '../../../../test/support/spica.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
let dir: string;
let log: string;
beforeAll(async () => {
  cli = await startCliStack({ 'pools.main.retention.max_instances': 4 });
});
afterAll(() => cli.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-resume-'));
  log = join(dir, 'sweep.jsonl');
});
afterEach(() => rm(dir, { recursive: true }));

/** A process of its own, which can be killed. */
function start(...args: string[]) {
  const env = cli.io().env as Record<string, string>;
  return execa(process.execPath, [MAIN, 'run', '--json', ...args], { env, extendEnv: false, reject: false });
}

/** Results as they are reported at the end. */
function resultsOf(stdout: string) {
  const lines = stdout.trim().split('\n');
  return lines.map((line) => JSON.parse(line)).filter((line) => line.event === 'result');
}

async function resume(...args: string[]) {
  const { exitCode, stdout, stderr } = await cli.spica('run', '--json', '--resume', log, ...args);
  return { exitCode, stderr, results: stdout === '' ? [] : resultsOf(stdout) };
}

async function entries(): Promise<Record<string, unknown>[]> {
  const text = existsSync(log) ? await readFile(log, 'utf8') : '';
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

async function linesOf(name: string): Promise<string[]> {
  const text = await readFile(join(dir, name), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

async function leased(): Promise<string[]> {
  const all = await Array.fromAsync(cli.stack.ctx.catalog.list());
  return all.flatMap(({ record }) => (leaseInForce(record, Date.now()) ? [record.id] : []));
}

it('goes on after kill -9: what had ended is not run again, what was cut off runs in a new instance', async () => {
  const script = `
    echo $SPICA_INDEX >> ${dir}/begun
    while [ $SPICA_INDEX -ge 2 ] && [ ! -e ${dir}/go ]; do sleep 0.05; done
    test ! -e touched; touch touched
    echo $SPICA_INDEX >> ${dir}/done
    echo "{\\"score\\": $SPICA_INDEX}"`;
  const args = [
    '-n',
    '6',
    '-j',
    '2',
    '--score',
    'LAST-JSON-LINE',
    '--keep',
    'best',
    '--',
    'sh',
    '-c',
    script,
  ];
  const first = start('--resume', log, ...args);
  await expect.poll(async () => (await linesOf('begun')).length).toBe(4);
  expect((await linesOf('done')).sort()).toEqual(['0', '1']);
  first.kill('SIGKILL');
  await first;
  await expect.poll(() => processesAbout(dir)).toEqual([]); // the kernel ends what a killed process has started
  await writeFile(join(dir, 'go'), '');

  const { exitCode, results } = await resume(...args);
  expect(exitCode).toBe(0);
  const told = results.map(({ index, outcome, score, kept }) => [index, outcome, score, kept]);
  expect(told).toEqual(Array.from({ length: 6 }, (_, index) => [index, 'done', index, index === 5]));
  expect((await linesOf('done')).sort()).toEqual(['0', '1', '2', '3', '4', '5']);
  expect((await linesOf('begun')).sort()).toEqual(['0', '1', '2', '2', '3', '3', '4', '5']);
  expect(new Set(results.map(({ instance }) => instance)).size).toBe(6);
  expect(await leased()).toEqual([]);

  const again = await resume(...args);
  expect(again.results).toEqual(results);
  expect(await linesOf('begun')).toHaveLength(8);
  await cli.spica('unpin', results[5].instance);
});

it('takes the instance that came up meanwhile, and submits nothing twice', async () => {
  const { stdout } = await cli.spica('spawn', '--json', '-n', '4', '--lease', '1h');
  const { instances, lease } = JSON.parse(stdout);
  const args = ['-n', '2', '-j', '2', '--experiment', 'held', '--', 'sh', '-c', 'echo $SPICA_REQUEST'];
  const first = start('--resume', log, ...args);
  let printed = '';
  first.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const held = () =>
    new Set([...printed.matchAll(/"index":(\d+),"event":"held"/g)].map(([, index]) => index));
  await expect.poll(() => held().size).toBe(2);
  first.kill('SIGKILL');
  await first;
  for (const { id } of instances) await cli.spica('release', id, '--token', lease.token, '--discard');
  const ofExperiment = async () => {
    const all = await Array.fromAsync(cli.stack.ctx.catalog.list());
    return all.filter(({ record, state }) => record.experiment === 'held' && state === 'ready');
  };
  await expect.poll(async () => (await ofExperiment()).length).toBe(2);
  const there = (await ofExperiment()).map(({ record }) => record.id).sort();

  const { exitCode, results } = await resume(...args);
  expect(exitCode).toBe(0);
  expect(results.map(({ instance }) => instance).sort()).toEqual(there);
});

it('tries again what the gate refused, and not what failed by itself', async () => {
  const args = [
    '-n',
    '2',
    '-j',
    '1',
    '--max-wait',
    '1ms',
    '--',
    'sh',
    '-c',
    `echo x >> ${dir}/begun; exit 3`,
  ];
  const { stdout } = await cli.spica('spawn', '--json', '-n', '4', '--lease', '1h');
  const { instances, lease } = JSON.parse(stdout);
  const refused = await resume(...args);
  expect(refused.results.map(({ outcome, exitCode }) => [outcome, exitCode])).toEqual([
    ['failed', null],
    ['failed', null],
  ]);
  for (const { id } of instances) await cli.spica('release', id, '--token', lease.token, '--discard');
  await cli.spica('prune');
  const failed = await resume(...args);
  expect(failed.results.map(({ outcome, exitCode }) => [outcome, exitCode])).toEqual([
    ['failed', 3],
    ['failed', 3],
  ]);
  expect((await resume(...args)).exitCode).toBe(1);
  expect(await linesOf('begun')).toHaveLength(2);
});

it('keeps its log to itself, and passes over a line that was cut off', async () => {
  const args = ['-n', '2', '-j', '1', '--', 'sh', '-c', `echo $SPICA_INDEX >> ${dir}/begun`];
  await resume(...args);
  const whole = await readFile(log, 'utf8');
  const cut = whole.indexOf('"event":"result"', whole.indexOf('"index":1')) + 8;
  await writeFile(log, whole.slice(0, cut));
  expect((await resume(...args)).exitCode).toBe(0);
  expect(await linesOf('begun')).toEqual(['0', '1', '1']);
  expect((await entries()).filter(({ event }) => event === 'result')).toHaveLength(2);
});

it.each([
  ['another command', async () => undefined, ['--', 'false'], 'is of another experiment (`true`)'],
  ['other candidates', async () => undefined, ['--set', 'LR=1', '--', 'true'], 'is of another experiment'],
  [
    'another file',
    () => writeFile(log, '{"a": 1}\n'),
    ['--', 'true'],
    'line 1 is none that `spica run` wrote',
  ],
])('refuses to go on with %s', async (_, spoil, args, says) => {
  await resume('--', 'true');
  await spoil();
  const { exitCode, stderr } = await resume(...args);
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining(says)]);
});

it('refuses to go on while another process does', async () => {
  const args = ['--', 'sh', '-c', `until [ -e ${dir}/go ]; do sleep 0.05; done`];
  const first = start('--resume', log, ...args);
  await expect.poll(async () => (await entries()).some(({ event }) => event === 'start')).toBe(true);
  expect((await resume(...args)).stderr).toContain('RESUME_IN_USE');
  await writeFile(join(dir, 'go'), '');
  expect((await first).exitCode).toBe(0);
});

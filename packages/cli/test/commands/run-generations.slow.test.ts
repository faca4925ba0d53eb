import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { runCaptured } from '../capture.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
let dir: string;
beforeAll(async () => {
  cli = await startCliStack({ 'pools.main.retention.max_instances': 4 });
});
afterAll(() => cli.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-generations-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function breed(mutate: string, ...more: string[]) {
  const script = `echo $SPICA_INDEX >> ${dir}/begun; echo "{\\"score\\": $X}"`;
  const { stdout, ...end } = await cli.spica(
    ...['run', '--json', '--candidates', join(dir, 'first.jsonl'), '--score', 'LAST-JSON-LINE'],
    ...['--generations', '3', '--mutate', mutate, '-j', '2', ...more, '--', 'sh', '-c', script],
  );
  const lines =
    stdout === ''
      ? []
      : stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
  return { ...end, results: lines.filter(({ event }) => event === 'result') };
}

const PLUS_ONE = `
const { champion } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const { X } = champion.params;
for (const by of [-1, 1]) console.log(JSON.stringify({ X: X + by }));`;

it('breeds each generation from the champion so far, which is there until all is over', async () => {
  await writeFile(join(dir, 'first.jsonl'), '{"X": 1}\n{"X": 3}\n');
  await writeFile(join(dir, 'next.cjs'), PLUS_ONE);
  const mutate = `env | grep SPICA_ >> ${dir}/env; ${process.execPath} ${dir}/next.cjs`;
  const { exitCode, results } = await breed(mutate, '--keep', 'best', '--resume', join(dir, 'log'));
  expect(exitCode).toBe(0);
  const told = results.map(({ generation, params, score, kept }) => [generation, params.X, score, kept]);
  expect(told).toEqual([
    [0, 1, 1, false],
    [0, 3, 3, false],
    [1, 2, 2, false],
    [1, 4, 4, false],
    [2, 3, 3, false],
    [2, 5, 5, true],
  ]);
  const { record } = (await cli.stack.ctx.catalog.get(results[5].instance)) ?? {};
  expect(record).toMatchObject({ parent: results[3].instance, generation: 2, score: 5 });
  const env = await readFile(join(dir, 'env'), 'utf8');
  expect(env).toContain(`SPICA_CHAMPION=${results[3].instance}`);
  expect(env).toContain('SPICA_CHAMPION_SCORE=4');

  const again = await breed(`exit 1 # ${mutate}`, '--keep', 'best', '--resume', join(dir, 'log'));
  expect([again.exitCode, again.results]).toEqual([0, results]);
  expect((await readFile(join(dir, 'begun'), 'utf8')).split('\n')).toHaveLength(7);
  await cli.spica('unpin', results[5].instance);
});

it.each([
  ['exit 3', '--mutate: generation 1: `exit 3` ended with 3'],
  ['true', 'generation 1: expected at least one candidate'],
  ['echo nonsense', 'line 1 of its output: expected a JSON object of parameters, got nonsense'],
])('says what is wrong where `%s` makes no candidates', async (mutate, says) => {
  await writeFile(join(dir, 'first.jsonl'), '{"X": 1}\n');
  const { exitCode, stderr } = await breed(mutate);
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining(says)]);
  const leased = await Array.fromAsync(cli.stack.ctx.catalog.list());
  expect(leased.filter(({ record }) => record.lease !== null)).toEqual([]);
});

it('says that there is no champion where nothing scored', async () => {
  await writeFile(join(dir, 'first.jsonl'), '{"X": "\\"none\\""}\n');
  const { exitCode, stderr } = await breed('true');
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('NO_CHAMPION')]);
});

it('shows a row for each run on a terminal, and what has ended above them', async () => {
  const io = cli.io({ tty: true });
  const command = `until [ -e ${dir}/go ]; do echo step $SPICA_INDEX; sleep 0.05; done; echo 0.5`;
  const args = ['run', '-n', '2', '-j', '2', '--score', 'LAST-JSON-LINE', '--', 'sh', '-c', command];
  const running = runCaptured(args, io);
  await expect
    .poll(() => io.err())
    .toMatch(/\[0\] running +\d+s .*step 0\n\[1\] running .*step 1\n0 of 2 ended/);
  await writeFile(join(dir, 'go'), '');
  expect((await running).exitCode).toBe(0);
  expect(io.err()).toMatch(/\[[01]\] done in \d+s, score 0.5, spica-/);
  expect(io.err()).toMatch(/1 of 2 ended, best 0.5 \[[01]\], about \d+s left/);
  expect(io.err()).toContain('2 done, 0 failed; best: 0.5');
  expect(io.out()).toBe('');
});

it('a second Ctrl-C ends commands at once that take their time', async () => {
  const io = cli.io();
  const script = `trap '' TERM; sleep 1000 & echo $! >> ${dir}/pids; echo up; wait`;
  const running = runCaptured(['run', '-n', '2', '-j', '2', '--', 'sh', '-c', script], io);
  await expect.poll(() => io.out().match(/up/g)?.length).toBe(2);
  io.signals.emit('SIGINT');
  const pids = (await readFile(join(dir, 'pids'), 'utf8')).trim().split('\n').map(Number);
  const kill = vi.spyOn(process, 'kill');
  io.signals.emit('SIGINT');
  expect(kill.mock.calls.map(([, signal]) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
  kill.mockRestore();
  expect(io.exits).toEqual([130]);
  for (const pid of pids) await expect.poll(() => isAlive(pid)).toBe(false);
  await running;
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

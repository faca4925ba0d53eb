import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseInForce } from '@spica/core';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { MAIN, spica } from '../../../../test/support/spica.ts';
import { runCaptured } from '../capture.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
let dir: string;
beforeAll(async () => {
  cli = await startCliStack({
    'pools.main.retention.max_instances': 4,
    'pools.main.disk.max_instance_gb': 0.05,
  });
});
afterAll(() => cli.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-run-'));
});
afterEach(() => rm(dir, { recursive: true }));

/** As from a shell: a single run has the process's own output. */
async function alone(...args: string[]) {
  return spica(['run', ...args], cli.io().env as Record<string, string>);
}

/** The last lines of a JSON report: a result for each run. */
async function many(...args: string[]) {
  const { stdout, stderr, exitCode } = await cli.spica('run', '--json', ...args);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { exitCode, stderr, lines, results: lines.filter(({ event }) => event === 'result') };
}

async function leased(): Promise<string[]> {
  const all = await Array.fromAsync(cli.stack.ctx.catalog.list());
  return all.filter(({ record }) => record.lease !== null).map(({ record }) => record.id);
}

it('a single run has the output and the exit code of its command, in an instance that is let go', async () => {
  const shown = await alone(
    '--set',
    'LR=0.1',
    '--',
    'sh',
    '-c',
    'pwd; echo $LR $SPICA_ID; cat VERSION; exit 7',
  );
  const [path = '', said, version] = shown.stdout.split('\n');
  expect(path).toContain(`${cli.stack.ctx.pool.paths.root}/spica-`);
  expect([said, version, shown.exitCode]).toEqual([`0.1 ${path.split('/').at(-1)}`, '1.0.0', 7]);
  expect(await leased()).toEqual([]);
});

it.each([
  [['--', 'nosuch-command'], 127, 'error: there is no command "nosuch-command" in any directory of PATH'],
  [['--', '/no/such/program'], 127, 'error: there is no command "/no/such/program"'],
  [['--', '/etc/passwd'], 126, 'error: /etc/passwd cannot be run: it is no file that this user may execute'],
  [['--', 'sh', '-c', 'kill -TERM $$'], 143, ''],
  [['--time-limit', '300ms', '--', 'sleep', '60'], 143, 'stopped: its time limit is over'],
  [
    ['--time-limit', '300ms', '--', 'sh', '-c', 'trap "exit 0" TERM; sleep 60 & wait'],
    125,
    'stopped: its time limit is over',
  ],
  [['--template', 'none', '--', 'true'], 125, 'error: --template: expected one of: default'],
  [
    ['--keep', 'some', '--', 'true'],
    125,
    'error: --keep: expected never, failed, best or always, got "some"',
  ],
  [['--collect', '*', '--', 'true'], 125, 'error: --collect and --to: expected both or neither, got one'],
])('%j ends as a shell has it: %i', async (args, exitCode, stderr) => {
  const shown = await alone(...args);
  expect([shown.exitCode, shown.stderr]).toEqual([exitCode, expect.stringContaining(stderr)]);
  expect(await leased()).toEqual([]);
});

it('more runs than the pool has room for take turns, each with its index and its candidate', async () => {
  const file = join(dir, 'candidates.csv');
  await writeFile(file, `LR,NOTE\n${Array.from({ length: 6 }, (_, i) => `0.${i},"a, b"`).join('\n')}\n`);
  const command = 'echo "{\\"score\\": $LR}"; test "$NOTE" = "a, b"; test -d data';
  const { exitCode, results } = await many(
    '-j',
    '3',
    '--candidates',
    file,
    '--score',
    'LAST-JSON-LINE',
    '--',
    'sh',
    '-c',
    command,
  );
  expect(exitCode).toBe(0);
  expect(results.map(({ index, outcome, score }) => [index, outcome, score])).toEqual(
    Array.from({ length: 6 }, (_, i) => [i, 'done', Number(`0.${i}`)]),
  );
  expect(new Set(results.map(({ instance }) => instance)).size).toBe(6);
  expect(await leased()).toEqual([]);
});

it('says while it runs that an instance has become too large', async () => {
  const ended = join(dir, 'told');
  const io = cli.io();
  const command = `head -c 60000000 /dev/urandom > big; echo $SPICA_ID; while ! test -e ${ended}; do sleep 0.05; done`;
  const run = runCaptured(['run', '-n', '2', '-j', '1', '--', 'sh', '-c', command], io);
  await expect.poll(() => io.out()).toMatch(/\[0\] spica-/);
  await cli.spica('sample');
  await expect.poll(() => io.err()).toMatch(/\[0\] too large: 6\d\.\d MB\n/);
  await writeFile(ended, '');
  expect((await run).exitCode).toBe(0);
});

it('keeps the best alone, pinned, with its score', async () => {
  const { results } = await many(
    '-n',
    '3',
    '-j',
    '1',
    '--keep',
    'best',
    '--score',
    'score.json',
    '--',
    'sh',
    '-c',
    'echo $SPICA_INDEX > score.json',
  );
  expect(results.map(({ score, kept }) => [score, kept])).toEqual([
    [0, false],
    [1, false],
    [2, true],
  ]);
  const best = await cli.stack.ctx.catalog.get(results[2].instance);
  expect(best?.record).toMatchObject({ score: 2, pin: { why: 'spica run --keep best' } });
  await cli.spica('unpin', results[2].instance);
});

it('collects what matches, and follows no link out of the instance', async () => {
  const to = join(dir, 'results');
  const command =
    'mkdir out; echo $SPICA_INDEX > out/score; ln -s /etc/passwd out/passwd; ln -s /etc out/etc';
  const { results } = await many('-n', '2', '--collect', 'out/**', '--to', to, '--', 'sh', '-c', command);
  for (const { index, instance, collected } of results) {
    expect(collected).toBe(1);
    expect(await readFile(join(to, instance, 'out/score'), 'utf8')).toBe(`${index}\n`);
    expect(await readdir(join(to, instance, 'out'))).toEqual(['score']);
  }
});

it('a run that fails is reported with its last line, and is kept where that is asked for', async () => {
  const { exitCode, results } = await many(
    '-n',
    '2',
    '--keep',
    'failed',
    '--',
    'sh',
    '-c',
    'echo no luck >&2; test $SPICA_INDEX = 1',
  );
  expect(exitCode).toBe(1);
  expect(results.map(({ outcome, exitCode, reason, kept }) => [outcome, exitCode, reason, kept])).toEqual([
    ['failed', 1, 'no luck', true],
    ['done', 0, null, false],
  ]);
  await cli.spica('unpin', results[0].instance);
});

it('begins no more runs after so many failures in a row', async () => {
  const { results } = await many('-n', '6', '-j', '1', '--max-failures', '2', '--', 'false');
  const outcomes = results.map(({ outcome }) => outcome);
  expect(outcomes).toEqual(['failed', 'failed', 'skipped', 'skipped', 'skipped', 'skipped']);
});

it('Ctrl-C ends the commands with all that they have started, and lets go of the instances', async () => {
  const io = cli.io();
  const pids = join(dir, 'pids');
  const command = `sleep 1000 & echo $! >> ${pids}; echo up; wait`;
  const running = runCaptured(['run', '-n', '2', '-j', '2', '--', 'sh', '-c', command], io);
  await expect.poll(() => io.out().match(/up/g)?.length).toBe(2);
  io.signals.emit('SIGINT');
  expect((await running).exitCode).toBe(130);
  const started = (await readFile(pids, 'utf8')).trim().split('\n').map(Number);
  expect(started).toHaveLength(2);
  for (const pid of started) await expect.poll(() => isAlive(pid)).toBe(false);
  expect(await leased()).toEqual([]);
});

it('ends a command whose lease was taken from it', async () => {
  const io = cli.io();
  const running = runCaptured(
    ['run', '--json', '--lease', '9s', '--', 'sh', '-c', 'echo "id $SPICA_ID"; sleep 1000'],
    io,
  );
  await expect.poll(() => /id (spica-\w+)/.exec(io.out())?.[1]).toBeDefined();
  const [id = ''] = await leased();
  await cli.spica('lease', id, '--ttl', '1h', '--force', '--owner', 'eve');
  expect((await running).exitCode).toBe(1);
  expect(io.out()).toContain('eve has taken it');
  await cli.spica('release', id, '--force');
});

it('leaves nothing that runs, and leases that end by themselves, when it is killed', async () => {
  const { env } = cli.io();
  const args = [
    MAIN,
    'run',
    '-n',
    '2',
    '-j',
    '2',
    '--lease',
    '10s',
    '--',
    'sh',
    '-c',
    `echo $$ >> ${dir}/pids; sleep 1000 & echo $! >> ${dir}/pids; wait`,
  ];
  const child = execa(process.execPath, args, {
    env: env as Record<string, string>,
    extendEnv: false,
    reject: false,
  });
  const pids = async () =>
    (await readFile(join(dir, 'pids'), 'utf8').catch(() => '')).trim().split('\n').map(Number);
  await expect.poll(async () => (await pids()).length).toBe(4);
  const killed = await leased();
  expect(killed).toHaveLength(2);
  child.kill('SIGKILL');
  await child;
  for (const pid of await pids()) await expect.poll(() => isAlive(pid)).toBe(false);
  const inForce = async () => {
    const all = await Array.fromAsync(cli.stack.ctx.catalog.list());
    return all.filter(({ record }) => leaseInForce(record, Date.now()) !== null).length;
  };
  await expect.poll(inForce).toBe(0);
  await expect
    .poll(async () => {
      await cli.spica('prune');
      return (await cli.stack.ctx.catalog.getMany(killed)).map(({ record }) => record.id);
    })
    .toEqual([]);
});

it.each([
  ['[]', 'expected at least one candidate'],
  ['[{"LR": null}]', 'candidate 0.LR: expected a text, a number, true or false, got null'],
  ['[{', 'Flow map'],
  ['{"LR": 1}', 'expected a list of objects, got {"LR":1}'],
])('refuses candidates %s by the file and the place', async (text, says) => {
  const file = join(dir, 'c.json');
  await writeFile(file, text);
  const { exitCode, stderr } = await cli.spica('run', '--candidates', file, '--', 'true');
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining(`error: --candidates: ${file}: `)]);
  expect(stderr).toContain(says);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

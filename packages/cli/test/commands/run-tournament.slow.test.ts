import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { runCaptured } from '../capture.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
let dir: string;
let file: string;
beforeAll(async () => {
  cli = await startCliStack({ 'pools.main.retention.max_instances': 4 });
});
afterAll(() => cli.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-tournament-'));
  file = join(dir, 'suite.yaml');
  await writeFile(
    file,
    `suite_id: qa.rag.gold
qtime: { epochs: 2, slices_per_epoch: 1, replicas_per_slice: 2 }
isolation: { network_egress: false }
candidates:
  - { X: 1 }
  - { X: 2, NAME: zwei }
`,
  );
});
afterEach(() => rm(dir, { recursive: true }));

async function records() {
  return JSON.parse((await cli.spica('tournaments', '--json')).stdout).tournaments;
}

async function leased() {
  const all = await Array.fromAsync(cli.stack.ctx.catalog.list());
  return all.filter(({ record }) => record.lease !== null);
}

it('runs each replica in turn, never two in one instance, and keeps the champion with its mean score', async () => {
  const script = `
    mkdir running || exit 9
    echo "$SPICA_REPLICA_ID $SPICA_EPOCH $SPICA_SLICE $SPICA_REPLICA $SPICA_REQUEST" >> ${dir}/replicas
    sleep 0.05
    rmdir running
    test "$X$SPICA_EPOCH$SPICA_REPLICA" != 111 || exit 1
    echo "{\\"score\\": $((X * 10 + SPICA_EPOCH))}"`;
  const args = ['--tournament', file, '--score', 'LAST-JSON-LINE', '--keep', 'best', '-j', '4'];
  const { exitCode, stdout, stderr } = await cli.spica('run', '--json', ...args, '--', 'sh', '-c', script);
  expect([exitCode, stderr]).toEqual([1, '']);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const results = lines.filter(({ event }) => event === 'result');
  const told = results.map(({ params, replica, outcome, score }) => [params.X, replica, outcome, score]);
  expect(told).toEqual([
    [1, 0, 'done', 10],
    [2, 0, 'done', 20],
    [1, 1, 'done', 10],
    [2, 1, 'done', 20],
    [1, 0, 'done', 11],
    [2, 0, 'done', 21],
    [1, 1, 'failed', null],
    [2, 1, 'done', 21],
  ]);
  const [head] = await records();
  const [loser, champion] = head.instances;
  expect(head).toMatchObject({
    suite_id: 'qa.rag.gold',
    total_replicas: 8,
    champion,
    scores: { [loser]: 31 / 3, [champion]: 20.5 },
    results: { passed: 7, failed: 1 },
    isolation: { cpu_affinity: false, network_egress: false, lineage_immutable: true },
  });
  const record = JSON.parse((await cli.spica('tournaments', head.id)).stdout);
  expect(record.results.aggregated_by_instance[loser]).toEqual({ score: 31 / 3, passed: 3, failed: 1 });
  expect(record.results.results[6]).toMatchObject({
    replica_id: `${loser}.e1.s0.r1`,
    status: 'fail',
    metrics: { exit_code: 1 },
  });
  const replicas = (await readFile(join(dir, 'replicas'), 'utf8')).trim().split('\n');
  expect(replicas).toContain(`${champion}.e1.s0.r1 1 0 1 ${head.id}`);
  const { record: kept } = (await cli.stack.ctx.catalog.get(champion)) ?? {};
  expect(kept).toMatchObject({
    score: 20.5,
    lease: null,
    pin: { why: `champion of tournament qa.rag.gold (${head.id})` },
  });
  expect(await leased()).toEqual([]);
  const table = await cli.spica('tournaments');
  expect(table.stdout.split('\t')).toEqual(
    expect.arrayContaining([head.id, 'qa.rag.gold', 'finished', champion]),
  );
  await cli.spica('unpin', champion);
});

it('is abandoned by Ctrl-C, and after so many failures in a row', async () => {
  const io = cli.io();
  const running = runCaptured(
    ['run', '--tournament', file, '--', 'sh', '-c', 'echo up; exec sleep 1000'],
    io,
  );
  await expect.poll(() => io.out()).toContain('up');
  io.signals.emit('SIGINT');
  expect((await running).exitCode).toBe(130);
  const { exitCode } = await cli.spica(
    'run',
    '--tournament',
    file,
    '-j',
    '1',
    '--max-failures',
    '2',
    '--',
    'false',
  );
  expect(exitCode).toBe(1);
  const [failed, interrupted] = await records();
  expect([failed.outcome, failed.reason]).toEqual(['abandoned', '2 replicas in a row failed']);
  expect([interrupted.outcome, interrupted.reason]).toEqual(['abandoned', 'interrupted']);
  expect(await leased()).toEqual([]);
});

it.each([
  ['suite_id: x\nsuite: x', [], 'Unrecognized key: "suite"'],
  ['suite: x', [], 'suite_id: expected a text of 1 to 200 characters'],
  ['suite_id: x\nqtime: { epochs: 0 }', [], 'qtime.epochs: '],
  ['suite_id: x\ncandidates: [{ A: null }]', [], 'candidate 0.A: expected a text, a number, true or false'],
  ['suite_id: x', ['--resume', 'log'], '--resume: expected none with --tournament'],
  ['suite_id: x', ['--keep', 'always'], '--keep: expected never or best with --tournament, got "always"'],
  ['suite_id: x\nqtime: { epochs: 100001 }', [], 'qtime: expected at most 100000 replicas'],
])('refuses %j %j', async (text, args, says) => {
  await writeFile(file, text);
  const { exitCode, stderr } = await cli.spica('run', '--tournament', file, ...args, '--', 'true');
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining(says)]);
});

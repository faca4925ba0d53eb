import { type Catalog, createCatalog } from '@spica/catalog';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aRecord, aSample } from '../../../catalog/test/open.ts';
import { run } from '../../src/run.ts';
import { capture, runCaptured } from '../capture.ts';
import { startQueues, type TestQueues } from '../redis.ts';

/** More than a terminal is shown, and than the stack answers for a command. */
const MANY = 1_500;
const idOf = (i: number) => `spica-${i.toString(16).padStart(12, '0')}`;

/** Nobody serves the pool: what is in the catalog need not be on a disk. */
let queues: TestQueues;
let catalog: Catalog;
beforeAll(async () => {
  queues = await startQueues();
  catalog = createCatalog({ redis: queues.redis, pool: 'main' });
  const now = Date.now();
  await Promise.all(
    Array.from({ length: MANY }, (_, i) =>
      catalog.adopt(
        aRecord(idOf(i), {
          spawnedAt: now - MANY + i,
          experiment: i % 2 === 0 ? 'even' : 'a-long-name-of-an-experiment',
          labels: i === 7 ? { stage: 'tune' } : {},
          sample: aSample(now, i === 9 ? 5_000_000_000 : i),
          request: `request-of-some-length-${i}`,
        }),
      ),
    ),
  );
});
afterAll(() => queues.close());

const cli = {
  io: (options: { tty?: boolean } = {}) =>
    capture({ ...options, env: { SPICA_STATE_DIR: queues.stateDir, SPICA_RETENTION_MAX_INSTANCES: '5000' } }),
  spica: (...argv: string[]) => runCaptured(argv, cli.io()),
};

const lines = (text: string) => text.trimEnd().split('\n');

it('lists what is searched and filtered for, in the order that is asked for', async () => {
  const quiet = async (...argv: string[]) => lines((await cli.spica('ls', '--quiet', ...argv)).stdout);
  expect(await quiet()).toEqual(Array.from({ length: MANY }, (_, i) => idOf(i)));
  expect(await quiet('--search', 'TUNE')).toEqual([idOf(7)]);
  expect(await quiet('--filter', 'label.stage=tune', '--filter', 'state=ready')).toEqual([idOf(7)]);
  expect(await quiet('--filter', 'min-size=1G')).toEqual([idOf(9)]);
  expect(await quiet('--sort', 'size', '--limit', '2')).toEqual([idOf(9), idOf(MANY - 1)]);
  expect(await quiet('--sort', 'size', '--reverse', '--limit', '1')).toEqual([idOf(0)]);
  expect(await quiet('--sort', 'age', '--filter', 'experiment=even', '--limit', '1')).toEqual([idOf(1_498)]);
});

it.each([
  [['--sort', 'colour'], 'error: --sort: expected one of spawned, age'],
  [['--filter', 'colour=red'], 'error: --filter: expected one of experiment,'],
  [['--filter', 'lease=maybe'], 'error: --filter lease: expected one of held, none, got "maybe"'],
  [['--limit', '0'], 'error: --limit: expected a whole number of at least 1, got "0"'],
  [['--watch'], 'error: --watch: expected on a terminal'],
])('refuses %j', async (argv, message) => {
  const { exitCode, stderr } = await cli.spica('ls', ...argv);
  expect([exitCode, stderr.slice(0, message.length)]).toEqual([2, message]);
});

it('prints all of them as JSON, part by part, with how many there are', async () => {
  const { stdout } = await cli.spica('ls', '--json');
  const printed = JSON.parse(stdout);
  expect(stdout).toBe(`${JSON.stringify(printed, null, 2)}\n`);
  expect([printed.pool, printed.total, printed.instances.length]).toEqual(['main', MANY, MANY]);
  expect(printed.instances[9]).toMatchObject({
    id: idOf(9),
    ownBytes: 5e9,
    goes: { rule: 'age' },
    rule: { verdict: 'keeps', rule: 'within-limits' },
  });
  const none = await cli.spica('ls', '--json', '--search', 'no such thing');
  expect(none.stdout).toBe(`${JSON.stringify({ pool: 'main', instances: [], total: 0 }, null, 2)}\n`);
});

it('shows on a terminal the first of them, in columns that fit, and says how many more there are', async () => {
  for (const columns of [60, 80, 120, 200]) {
    const io = cli.io({ tty: true });
    Object.assign(io.stdout, { columns });
    const { stdout, stderr } = await runCaptured(['ls'], io);
    const shown = lines(stdout);
    expect(shown).toHaveLength(201);
    expect(Math.max(...shown.map((line) => line.length))).toBeLessThanOrEqual(columns);
    expect(shown[0]).toMatch(/^ID .*AGE .*RULE/);
    expect(shown[0]?.includes('REQUEST')).toBe(columns === 200);
    expect(stderr).toBe(`${MANY - 200} more: --limit, --search and --filter say which are shown\n`);
  }
});

it('is left to the command where it is longer than the stack should write', async () => {
  const io = { ...cli.io(), mostRows: 1_000 };
  expect(await run(['ls', '--quiet'], io)).toBe(1);
  expect(io.out()).toBe('');
  expect(await run(['ls', '--quiet', '--limit', '1000'], io)).toBe(0);
});

it('shows the list anew until it is interrupted, as many as the screen has rows for', async () => {
  const io = cli.io({ tty: true });
  Object.assign(io.stdout, { rows: 10 });
  const watching = run(['ls', '--watch', '--sort', 'age'], io);
  await expect.poll(() => io.out()).toContain(`7 of ${MANY} at `);
  await catalog.adopt(aRecord('spica-ffffffffffff', { spawnedAt: Date.now() }));
  await expect.poll(() => io.out()).toContain(`7 of ${MANY + 1} at `);
  expect(io.out()).toContain('spica-ffffffffffff');
  io.signals.emit('SIGINT');
  expect(await watching).toBe(0);
});

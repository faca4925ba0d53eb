import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pruneOffline } from '@spica/workers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { runCaptured } from '../capture.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
let ids: string[];

beforeAll(async () => {
  cli = await startCliStack({ 'pools.main.retention.max_instances': 3 });
});
afterAll(() => cli.close());

beforeEach(async () => {
  const { catalog } = cli.stack.ctx;
  for await (const { record } of catalog.list()) {
    await catalog.mark(record.id, { pin: null });
    await catalog.releaseLease(record.id, { token: null, now: Date.now(), force: true, discard: true });
  }
  await cli.spica('prune', '--max-instances', '0');
  const spawned: string[] = [];
  for (let i = 0; i < 3; i += 1) spawned.push(...(await cli.stack.spawn()).instances.map(({ id }) => id));
  ids = spawned;
  // What is still reserved counts in a plan, and commands see it as the worker has last published it.
  await expect
    .poll(async () => (await catalog.publishedGate())?.sums)
    .toMatchObject({
      instances: 3,
      reserved: { slots: 0 },
    });
});

const exists = (id: string | undefined) => existsSync(cli.stack.ctx.pool.pathOf(id ?? ''));

it('prints in a dry run the rule and the reason of every instance, kept ones too, and touches nothing', async () => {
  const [oldest, middle, newest] = ids;
  await cli.spica('pin', oldest ?? '', '--why', 'the best', '--by', 'alice');
  const { exitCode, stdout, stderr } = await cli.spica('prune', '--dry-run', '--max-instances', '2');
  expect(exitCode).toBe(0);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  expect(rows.map(([action, id, , rule]) => [action, id, rule])).toEqual([
    ['delete', middle, 'count'],
    ['keep', oldest, 'pinned'],
    ['keep', newest, 'within-limits'],
  ]);
  expect(rows[1]?.[4]).toBe('pinned by alice: the best');
  expect(stderr).toMatch(
    /keeps 2, deletes 1 .*at most 2 instances.*\nplan [0-9a-f]{16}: `spica prune --plan/,
  );
  expect(ids.every(exists)).toBe(true);
});

it('shows the plan on a terminal: what would go, then what stays, the policy and the digest', async () => {
  const { stdout } = await runCaptured(['prune', '--dry-run', '--max-instances', '1'], cli.io({ tty: true }));
  expect(stdout).toMatch(
    /^WOULD BE PRUNED +FREES +RULE +REASON\n[\s\S]*\nKEPT +FREES[\s\S]*deletes 2[\s\S]*plan [0-9a-f]{16}/,
  );
});

it('carries out exactly the plan that was shown, and skips what has changed since', async () => {
  const { digest } = JSON.parse(
    (await cli.spica('prune', '--dry-run', '--max-instances', '1', '--json')).stdout,
  );
  const [first, second, third] = ids;
  await cli.spica('lease', second ?? '', '--owner', 'alice');
  const { exitCode, stdout, stderr } = await cli.spica('prune', '--plan', digest);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${first}\t\\d+\tplan ${digest}`));
  expect(stderr).toMatch(
    new RegExp(`skipped: ${second}: it must stay now \\(leased\\): leased by alice until`),
  );
  expect([exists(first), exists(second), exists(third)]).toEqual([false, true, true]);
  const unknown = await cli.spica('prune', '--plan', '0123456789abcdef');
  expect(unknown.stderr).toContain('--plan: no plan "0123456789abcdef" is known in pool main');
});

it('asks on a terminal before it leaves nothing, and does nothing without a yes', async () => {
  for (const answer of ['n\n', '\n', null]) {
    const io = cli.io({ tty: true });
    io.stdin.end(answer ?? undefined);
    const { exitCode, stdout, stderr } = await runCaptured(['prune', '--max-instances', '0'], io);
    expect([exitCode, stdout]).toEqual([1, '']);
    expect(stderr).toContain('this deletes all 3 instances and leaves none; go on? [y/N] ');
    expect(stderr).toContain('nothing was pruned');
    expect(ids.every(exists)).toBe(true);
  }
});

it('goes on with a yes, with --yes, and where nobody can be asked', async () => {
  const asked = cli.io({ tty: true });
  asked.stdin.write('y\n');
  expect((await runCaptured(['prune', '--max-instances', '0'], asked)).exitCode).toBe(0);
  expect(ids.some(exists)).toBe(false);
  const [id] = (await cli.stack.spawn()).instances.map((instance) => instance.id);
  const yes = await runCaptured(['prune', '--max-instances', '0', '--yes'], cli.io({ tty: true }));
  expect([yes.exitCode, exists(id)]).toEqual([0, false]);
  expect(yes.stderr).not.toContain('go on?');
});

it('does not ask on a terminal as long as something stays', async () => {
  const { exitCode, stderr } = await runCaptured(['prune', '--max-instances', '1'], cli.io({ tty: true }));
  expect(exitCode).toBe(0);
  expect(stderr).not.toContain('go on?');
});

it('brings an instance back from the trash, whole, and `show` says how before', async () => {
  const [id = ''] = ids;
  await cli.spica('prune', '--max-instances', '2');
  expect(exists(id)).toBe(false);
  const shown = await cli.spica('show', id);
  expect(shown.exitCode).toBe(0);
  expect(shown.stdout).toMatch(
    new RegExp(`in the trash since[\\s\\S]*\`spica restore ${id}\` brings it back, until`),
  );
  expect((await cli.spica('restore', id)).exitCode).toBe(0);
  expect(exists(id)).toBe(true);
  expect(JSON.parse((await cli.spica('show', id, '--json')).stdout)).toMatchObject({ id, state: 'ready' });
  const again = await cli.spica('restore', id);
  expect([again.exitCode, again.stderr]).toEqual([
    1,
    `error: instance ${id}: it is not in the trash: it is gone for good, or was never deleted\n`,
  ]);
});

it('finds in a dry run what vanished, buries it on demand, and remembers when it was last seen', async () => {
  const [id = ''] = ids;
  await rm(cli.stack.ctx.pool.pathOf(id), { recursive: true });
  const dry = await cli.spica('reconcile', '--dry-run');
  expect(dry.stdout).toMatch(new RegExp(`^bury\t${id}\tin the catalog, not on disk; last seen \\d{4}-`));
  expect(await cli.stack.ctx.catalog.get(id)).not.toBeNull();
  const mended = JSON.parse((await cli.spica('reconcile', '--json')).stdout);
  expect(mended).toMatchObject({ adopted: 0, buried: 1, givenBack: 0, flagged: 0 });
  expect((await cli.spica('show', id)).stdout).toContain(
    'vanished from the disk, and Spica did not delete it',
  );
  const agreed = await runCaptured(['reconcile', '--dry-run'], cli.io({ tty: true }));
  expect(agreed.stdout).toBe('disk and catalog agree\n');
});

it('takes what was deleted without Redis for deleted, not for vanished, once Redis is back', async () => {
  const [id = ''] = ids;
  const { config, ctx } = cli.stack;
  const context = { config, pool: 'main', clock: ctx.clock, logger: ctx.logger, clockConfirmed: false };
  const known = new Map((await Array.fromAsync(ctx.catalog.list())).map((each) => [each.record.id, each]));
  const limits = { maxInstances: 2, maxAgeMs: null };
  const { pruned } = await pruneOffline({ ...context, known, isOffline: async () => true }, limits);
  expect(pruned.map((item) => item.id)).toEqual([id]);
  await cli.spica('reconcile');
  expect([await ctx.catalog.get(id), await ctx.catalog.tombstone(id)]).toEqual([null, null]);
  expect((await cli.spica('restore', id)).exitCode).toBe(0);
  expect((await ctx.catalog.get(id))?.state).toBe('ready');
});

it('deletes just the instances that are named, whatever the policy says, but not what is protected', async () => {
  const [leased = '', free = '', other = ''] = ids;
  await cli.spica('lease', leased, '--owner', 'ada');
  const named = [leased, free, 'spica-00000000dead'];
  const planned = await cli.spica('prune', '--dry-run', ...named);
  expect(
    planned.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')),
  ).toMatchObject([
    ['delete', free, expect.any(String), 'chosen', 'chosen by an operator'],
    ['keep', leased, expect.any(String), 'leased', expect.stringContaining('leased by ada')],
  ]);
  expect(planned.stderr).toContain('skipped: spica-00000000dead: it is gone already');
  expect(planned.stderr).toContain('deletes 1 of 2 instances chosen');
  expect(ids.every(exists)).toBe(true);

  const { exitCode, stdout, stderr } = await cli.spica('prune', ...named);
  expect([exitCode, stdout.split('\t')[0]]).toEqual([0, free]);
  expect(stderr).toContain(`${leased} (leased by ada`);
  expect([leased, free, other].map(exists)).toEqual([true, false, true]);
  const restored = await cli.spica('restore', free, 'spica-00000000dead');
  expect([restored.exitCode, exists(free)]).toEqual([1, true]);
  expect(restored.stderr).toMatch(/^spica-00000000dead: /);
  const conflict = await cli.spica('prune', free, '--max-instances', '1');
  expect(conflict.stderr).toBe('error: --max-instances: expected without ids: just these are deleted\n');
});

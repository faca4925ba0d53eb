import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
beforeAll(async () => {
  cli = await startCliStack({
    'pools.main.retention.max_instances': 2,
    'pools.main.retention.prune_on_spawn': false,
    'gate.poll_every': '1h', // a test removes the job of a held request, which nobody is to run then
  });
});
afterAll(() => cli.close());

const held = async (id: string) =>
  expect.poll(() => cli.stack.ctx.gate.line.inOrder().map(({ request }) => request)).toContain(id);

it('explains why a request waits: every figure of the sum, since when, and what would help', async () => {
  const lease = { owner: 'alice', tokenHash: 'a'.repeat(64), ms: 1_800_000 };
  await cli.stack.spawn({ count: 2, lease });
  const id = await cli.stack.submit({ maxWaitMs: 600_000 });
  await held(id);
  const { exitCode, stdout } = await cli.spica('explain', id);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^stands +held$/m);
  expect(stdout).toMatch(
    /^now +needs .* available − .* reserved − .* growth − .* floor = .*: 1 instance too many/m,
  );
  expect(stdout).toMatch(/^would help +1 lease ends within \d+ min$/m);
  expect(stdout).toMatch(/^held +since \d{4}-\S+, until \d{4}-\S+ at most$/m);
  expect(stdout).toMatch(/\nwhat the gate said\n {2}.*1 instance too many/);
  expect(stdout).toMatch(/\nin the audit log\n {2}\d{4}-\S+ {2}hold_request: held/);
  const logged = JSON.parse((await cli.spica('explain', id, '--json')).stdout);
  expect(logged).toMatchObject({ id, served: true, now: { verdict: 'short', shortfall: { slots: 1 } } });
  const job = await cli.stack.queues.gate.getJob(id);
  await job?.remove();
  await cli.stack.ctx.gate.line.leave(id);
});

it('explains what became of one: its instances and how long it took, or why it was rejected', async () => {
  const never = await cli.stack.submit({ count: 3 });
  await expect(cli.stack.watcher.wait(never)).rejects.toThrow('can never fit');
  const rejected = await cli.spica('explain', never);
  expect(rejected.stdout).toMatch(/^because +NEVER_FITS: asks for 3 instances; max_instances is 2/m);
  expect(rejected.stdout).toMatch(/^ended +\S+, \S+ after it was submitted$/m);
  expect(rejected.stdout).toContain('reject_request: NEVER_FITS');
  expect(rejected.stdout).not.toMatch(/^now /m);
  const unknown = await cli.spica('explain', 'req-nope');
  expect([unknown.exitCode, unknown.stdout]).toEqual([1, '']);
  expect(unknown.stderr).toContain('"req-nope" is known in pool main');
});

it('says what would help a spawn that would not be admitted, replicas and all', async () => {
  const flags = ['--epochs', '2', '--slices', '4', '--replicas', '8'];
  const { exitCode, stdout } = await cli.spica('preflight', ...flags);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^does not fit as things stand: needs .*\+ 1 × 2 × 4 × 8 replicas × /);
  expect(stdout).toMatch(/\nwhat would help: 1 lease ends within \d+ min\n$/);
});

it('shows the clock, takes an operator’s word for it, and notes so in the audit log', async () => {
  const { catalog } = cli.stack.ctx;
  // The worker, which saw no jump, takes this back whenever it looks at the clocks.
  const suspended = (...command: string[]) =>
    expect.poll(async () => {
      const reason = "the host's clock jumped";
      await catalog.suspendAges({ kind: 'jump', reason, by: 'somebody', aheadMs: 90_000_000 });
      return (await cli.spica(...command)).stdout;
    });
  await suspended('clock').toMatch(/^rules of age +suspended: the host's clock jumped; when/m);
  await suspended('status').toMatch(
    /^rules of age +suspended: the host's clock jumped; .*`spica clock --confirm`$/m,
  );
  const confirmed = JSON.parse((await cli.spica('clock', '--confirm', '--json')).stdout);
  expect(confirmed).toMatchObject({ pool: 'main', suspended: null });
  expect(Math.abs(confirmed.offsetMs)).toBeLessThan(60_000);
  await expect.poll(async () => (await cli.spica('audit', 'tail')).stdout).toContain('"confirm_clock"');
});

import { readRecord } from '@spica/pool';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { runCaptured } from '../capture.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
let ids: string[];

beforeAll(async () => {
  cli = await startCliStack();
  const { instances } = await cli.stack.spawn({ count: 6 });
  ids = instances.map(({ id }) => id);
});
afterAll(() => cli.close());

/** Each test has an instance of its own. */
const next = () => ids.pop() ?? '';

async function audited(instance: string, action: string) {
  const lines = await readAudit(cli.stack.ctx.audit.path);
  return lines.find((line) => line.instance === instance && line.action === action);
}

it('takes a lease, renews it only for its token, keeps its owner, and releases it', async () => {
  const id = next();
  const taken = await cli.spica('lease', id, '--ttl', '2h', '--owner', 'alice', '--json');
  expect(taken.exitCode).toBe(0);
  const { token, until, outcome } = JSON.parse(taken.stdout);
  expect([outcome, token]).toEqual(['granted', expect.stringMatching(/^[0-9a-f]{32}$/)]);
  expect(Date.parse(until) - Date.now()).toBeGreaterThan(7_100_000);

  const other = await cli.spica('lease', id);
  expect(other).toMatchObject({ exitCode: 1, stdout: '' });
  expect(other.stderr).toBe(`error: instance ${id} is leased by alice until ${until}\n`);
  expect((await cli.spica('release', id, '--token', 'guess')).stderr).toContain('is leased by alice until');

  const io = cli.io({ env: { SPICA_LEASE_TOKEN: token } });
  const renewed = JSON.parse((await runCaptured(['lease', id, '--ttl', '3h', '--json'], io)).stdout);
  expect(renewed).toMatchObject({ outcome: 'renewed', owner: 'alice', token });
  await expect.poll(async () => (await readRecord(cli.stack.ctx.pool, id))?.lease?.owner).toBe('alice');

  expect((await cli.spica('release', id, '--token', token)).exitCode).toBe(0);
  expect((await cli.stack.ctx.catalog.get(id))?.record.lease).toBeNull();
  const again = await cli.spica('release', id, '--token', token);
  expect(again).toMatchObject({ exitCode: 0, stdout: '', stderr: `instance ${id} has no lease in force\n` });
});

it('prints nothing but one line of data when piped: instance, owner, end and token', async () => {
  const id = next();
  const { stdout, stderr } = await cli.spica('lease', id, '--owner', 'bob');
  expect(stdout).toMatch(new RegExp(`^${id}\tbob\t\\d{4}-[^\t]+Z\t[0-9a-f]{32}\n$`));
  expect(stderr).toBe('');
});

it('shows the pool, and plans its pruning, with a lease in it whose end is no date', async () => {
  const id = next();
  const { catalog } = cli.stack.ctx;
  const mine = { owner: 'eve', token: 'hers' };
  const leased = { ...mine, expiresAt: 9e15, now: Date.now(), force: false };
  expect(await catalog.lease(id, leased)).toMatchObject({ outcome: 'granted' });
  for (const argv of [['ls'], ['show', id], ['prune', '--dry-run', '--max-instances', '0'], ['lease', id]]) {
    expect((await cli.spica(...argv, '--json')).stderr).not.toContain('RangeError');
  }
  const { stdout } = await cli.spica('prune', '--dry-run', '--max-instances', '0');
  expect(stdout).toContain('leased by eve until +275760-09-13T00:00:00.000Z');
  expect((await cli.spica('release', id, '--token', mine.token)).exitCode).toBe(0);
});

it('lets an operator take or end a lease by force, and the audit log says so', async () => {
  const id = next();
  await cli.spica('lease', id, '--owner', 'alice');
  expect((await cli.spica('lease', id, '--owner', 'boss', '--force')).exitCode).toBe(0);
  expect((await cli.spica('release', id, '--force')).exitCode).toBe(0);
  await expect
    .poll(() => audited(id, 'force_lease'))
    .toMatchObject({
      outcome: 'granted',
      reason: 'taken by force by boss',
    });
  await expect.poll(() => audited(id, 'force_release')).toMatchObject({ outcome: 'released' });
});

it('says that an instance is being deleted to whoever comes second', async () => {
  const id = next();
  const { catalog } = cli.stack.ctx;
  await catalog.beginDelete(id, { owner: 'test', now: Date.now(), changesSeen: 0 });
  for (const argv of [
    ['lease', id],
    ['pin', id, '--why', 'x'],
    ['score', id, '1'],
  ]) {
    const { exitCode, stderr } = await cli.spica(...argv);
    expect([exitCode, stderr]).toEqual([1, `error: instance ${id} is being deleted\n`]);
  }
  await catalog.endDelete(id, 'kept', 'test');
  const unknown = await cli.spica('lease', 'spica-00000000dead');
  expect(unknown.stderr).toBe('error: id: no instance spica-00000000dead in pool main\n');
});

it('keeps a pin and a score on disk, shows both, and takes them back', async () => {
  const id = next();
  await cli.spica('pin', id, '--why', 'the best so far', '--by', 'alice');
  await cli.spica('score', id, '-0.25');
  await expect.poll(async () => (await readRecord(cli.stack.ctx.pool, id))?.score).toBe(-0.25);
  const shown = JSON.parse((await cli.spica('show', id, '--json')).stdout);
  expect(shown).toMatchObject({ score: -0.25, pin: { by: 'alice', why: 'the best so far' }, lease: null });
  const terminal = await runCaptured(['ls'], cli.io({ tty: true }));
  expect(terminal.stdout).toMatch(/PINNED BY +SCORE/);
  expect(terminal.stdout).not.toContain('TTL');
  const row = (await cli.spica('ls')).stdout.split('\n').find((line) => line.startsWith(id));
  expect(row?.split('\t').slice(7)).toEqual(['', '', 'alice', '-0.25', '', '', '', '', 'pinned', '']);
  await cli.spica('unpin', id);
  await cli.spica('score', id, '--clear');
  expect((await cli.stack.ctx.catalog.get(id))?.record).toMatchObject({ pin: null, score: null });
  await expect.poll(() => audited(id, 'unpin_instance')).toMatchObject({ outcome: 'unpinned' });
});

it('spawns with a lease and a life of their own, and only the one who asked learns the token', async () => {
  const argv = ['spawn', '--lease', '1h', '--owner', 'runner', '--ttl', '6h', '--label', 'a=b', '--json'];
  const { stdout } = await cli.spica(...argv);
  const { instances, lease } = JSON.parse(stdout);
  const [{ id }] = instances;
  expect(lease).toMatchObject({ owner: 'runner', ms: 3_600_000 });
  const inCatalog = await cli.stack.ctx.catalog.get(id);
  expect(inCatalog?.record).toMatchObject({
    ttlMs: 21_600_000,
    lease: { owner: 'runner' },
    labels: { a: 'b' },
  });
  expect(JSON.stringify(inCatalog)).not.toContain(lease.token);
  expect((await cli.spica('show', id, '--json')).stdout).not.toContain('tokenHash');
  expect((await cli.spica('lease', id, '--token', lease.token, '--json')).stdout).toContain('"renewed"');
  const plain = await cli.spica('spawn', '--lease', '1h');
  expect(plain.stdout).toMatch(/^spica-[0-9a-f]+\n$/);
  expect(plain.stderr).toMatch(/^lease token: [0-9a-f]{32}\n/);
});

it('reports the token of a lease also where the waiting ends before the instances are there', async () => {
  const argv = ['spawn', '--lease', '1h', '--owner', 'runner', '--json'];
  const { gate } = cli.stack.queues;
  await gate.pause(); // nothing is there before the waiting ends
  const late = await cli.spica(...argv, '--timeout', '0s');
  expect([late.exitCode, late.stdout]).toEqual([5, '']);
  const { details } = JSON.parse(late.stderr.split('\n').at(-2) ?? '').error;
  expect(details.lease).toMatchObject({ owner: 'runner', ms: 3_600_000 });
  const io = cli.io();
  const waiting = runCaptured(argv, io);
  await expect.poll(() => io.signals.listenerCount('SIGINT'), { interval: 1 }).toBe(1);
  io.signals.emit('SIGINT');
  const stopped = await waiting;
  expect(stopped.exitCode).toBe(130);
  expect(JSON.parse(stopped.stderr.split('\n').at(-2) ?? '').error).toMatchObject({
    code: 'INTERRUPTED',
    details: { request: expect.stringMatching(/^req-/), lease: { token: expect.any(String) } },
  });

  const plain = await cli.spica('spawn', '--lease', '1h', '--timeout', '0s');
  expect(plain.stderr.match(/[0-9a-f]{32}/g)).toHaveLength(1);

  await gate.resume();
  const { instances } = await cli.stack.watcher.wait(details.request);
  const { token } = details.lease;
  expect((await cli.spica('release', instances[0]?.id ?? '', '--token', token)).exitCode).toBe(0);
});

it('submits a spawn with a key and a lease once, if it brings the same token', async () => {
  const io = () => cli.io({ env: { SPICA_LEASE_TOKEN: 'mine-alone' } });
  const argv = ['spawn', '--key', 'k1', '--lease', '1h', '--owner', 'r', '--no-wait'];
  const first = await runCaptured(argv, io());
  const second = await runCaptured(argv, io());
  expect(second.stdout).toBe(first.stdout);
  const without = await cli.spica(...argv);
  expect(without).toMatchObject({ exitCode: 2, stdout: '' });
  expect(without.stderr).toContain('--token: expected with --key and --lease');
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { type CliStack, startCliStack } from '../stack.ts';

let cli: CliStack;
beforeAll(async () => {
  cli = await startCliStack({ 'pools.main.retention.max_instances': 2 });
});
afterAll(() => cli.close());

it('says that a spawn would be admitted after a prune, and of what, as the gate then does', async () => {
  const first = (await cli.stack.spawn()).instances[0]?.id ?? '';
  const second = (await cli.stack.spawn()).instances[0]?.id ?? '';
  const { exitCode, stdout } = await cli.spica('preflight');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^would be admitted after pruning 1 instance: needs .*: 1 instance too many/);
  expect(stdout).toMatch(new RegExp(`\nwould be pruned: ${first}\n$`));
  const { verdict, help, afterPruning } = JSON.parse((await cli.spica('preflight', '--json')).stdout);
  expect([verdict, help]).toEqual(['short', null]);
  expect(afterPruning).toMatchObject({ instances: [{ id: first }], trash: [] });
  expect(await instancesOnDisk(cli.stack.ctx.pool)).toEqual([first, second].sort());

  const third = (await cli.stack.spawn()).instances[0]?.id ?? '';
  expect(await instancesOnDisk(cli.stack.ctx.pool)).toEqual([second, third].sort());
});

it('says who holds the slots of a spawn that no prune would let in', async () => {
  for (const id of await instancesOnDisk(cli.stack.ctx.pool)) await cli.spica('pin', id, '--why', 'good');
  const { exitCode, stdout } = await cli.spica('preflight', '-n', '2');
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(/^does not fit as things stand: needs .*: 2 instances too many/);
  expect(stdout).toMatch(/\nwhat would help: 2 pinned instances hold [^;]*\n$/);
});

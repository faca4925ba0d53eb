import { CheckError } from '@spica/core';
import { expect, it, vi } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  {
    'gate.breaker.failures': 1,
    'gate.poll_every': '10m',
    'pools.main.retention.max_instances': 3,
    'pools.main.retention.prune_on_spawn': false,
  },
);

/** What the audit log says that was done with a request, but for its instances. */
async function endsOf(id: string): Promise<string[]> {
  const lines = (await readAudit(stack.ctx.audit.path)).filter(({ request }) => request === id);
  return lines.map(({ action }) => action).filter((action) => action.endsWith('_request'));
}

it('ends a request once, when the audit log took nothing at the time its spawn failed', async () => {
  const { catalog } = stack.ctx;
  vi.spyOn(catalog, 'commit').mockRejectedValue(new CheckError('AUDIT_UNWRITABLE', 'audit log: it is full'));
  const id = await stack.submit();
  await expect(stack.watcher.wait(id, { timeoutMs: 30_000 })).rejects.toMatchObject({
    code: 'AUDIT_UNWRITABLE',
  });
  expect(await endsOf(id)).toEqual(['admit_request', 'fail_request']);
});

it('takes a spawn for what it was, whatever the audit log says of the breaker', async () => {
  const { audit, templates } = stack.ctx;
  await stack.spawn();
  const { append } = audit;
  vi.spyOn(audit, 'append').mockImplementation(async (entry, options) => {
    if ('action' in entry && entry.action === 'breaker')
      throw new CheckError('AUDIT_UNWRITABLE', 'it is full');
    return append(entry, options);
  });
  const get = vi
    .spyOn(templates, 'get')
    .mockRejectedValueOnce(new CheckError('CLONE_FAILED', 'the disk is ill'));
  await expect(stack.spawn()).rejects.toMatchObject({ code: 'CLONE_FAILED' });
  get.mockRestore();
  expect((await stack.ctx.catalog.gateState())?.breaker.openedAt).not.toBeNull();
});

it('leaves nothing of a request that fails for an unexpected reason while it is held', async () => {
  const { catalog, templates } = stack.ctx;
  await stack.spawn({ count: 2 });
  const held = await stack.submit({ count: 2 });
  await expect.poll(async () => (await catalog.held()).map(({ request }) => request)).toEqual([held]);
  const broken = { code: 'EIO', syscall: 'stat', path: '/pool' };
  vi.spyOn(templates, 'get').mockRejectedValueOnce(Object.assign(new Error('EIO: i/o error, stat'), broken));
  await stack.ctx.waker.wake();
  await expect(stack.watcher.wait(held, { timeoutMs: 30_000 })).rejects.toThrow('i/o error');
  expect(await catalog.held()).toEqual([]);
  expect(await endsOf(held)).toEqual(['hold_request', 'fail_request']);
  await stack.spawn(); // nobody stands in its way
});

it('admits nothing while Redis knows nothing of what is on the disk, and goes on once it does', async () => {
  await stack.spawn({ count: 2 });
  await stack.redis.flushall();
  const id = await stack.submit({ count: 2 });
  await expect.poll(async () => (await stack.ctx.catalog.held()).length, { timeout: 20_000 }).toBe(1);
  await expect.poll(() => stack.ctx.catalog.reconciled(), { timeout: 20_000 }).not.toBeNull();
  await expect
    .poll(async () => (await stack.ctx.catalog.held())[0]?.reason, { timeout: 20_000 })
    .toMatch(/1 instances? too many/);
  expect(await instancesOnDisk(stack.ctx.pool)).toHaveLength(2);
  await expect.poll(() => stack.queues.gate.getJobState(id)).toBe('delayed');
});

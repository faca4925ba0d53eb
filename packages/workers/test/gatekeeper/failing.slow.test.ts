import { CheckError } from '@spica/core';
import { expect, it, vi } from 'vitest';
import { readAudit } from '../../../../test/support/audit.ts';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 120_000 };

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

const heldNow = () => stack.ctx.gate.line.inOrder().map(({ request }) => request);

/** What the audit log says that was done with a request, but for its instances. */
async function endsOf(id: string): Promise<string[]> {
  const lines = (await readAudit(stack.ctx.audit.path)).filter(({ request }) => request === id);
  return lines.map(({ action }) => action).filter((action) => action.endsWith('_request'));
}

it('ends a request once, when the audit log took nothing at the time its spawn failed', async () => {
  const { catalog } = stack.ctx;
  vi.spyOn(catalog, 'commit').mockRejectedValue(new CheckError('AUDIT_UNWRITABLE', 'audit log: it is full'));
  const id = await stack.submit();
  await expect(stack.watcher.wait(id)).rejects.toMatchObject({
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
  expect(stack.ctx.gate.limits.breaker.openedAt).not.toBeNull();
});

it('leaves nothing of a request that fails for an unexpected reason while it is held', async () => {
  const { gate, templates } = stack.ctx;
  await stack.spawn({ count: 2 });
  const held = await stack.submit({ count: 2 });
  await expect.poll(heldNow).toEqual([held]);
  const broken = { errno: -5, code: 'EIO', syscall: 'stat', path: '/pool' };
  vi.spyOn(templates, 'current').mockRejectedValueOnce(
    Object.assign(new Error('EIO: i/o error, stat'), broken),
  );
  await gate.line.wake();
  await expect(stack.watcher.wait(held)).rejects.toThrow('i/o error');
  expect(heldNow()).toEqual([]);
  expect(await endsOf(held)).toEqual(['hold_request', 'fail_request']);
  await stack.spawn(); // nobody stands in its way
});

it('decides a new request by what is really there after Redis was flushed, and rebuilds the catalog', async () => {
  const { catalog, gate, pool } = stack.ctx;
  const { instances } = await stack.spawn({ count: 2 });
  await stack.redis.flushall();
  const large = await stack.submit({ count: 2 });
  await expect.poll(() => gate.line.inOrder()[0]?.reason).toMatch(/1 instance too many/);
  expect(await instancesOnDisk(pool)).toHaveLength(2);
  await expect.poll(() => catalog.reconciled(), POLL).not.toBeNull();
  const ids = instances.map(({ id }) => id);
  expect((await Array.fromAsync(catalog.list())).map(({ record }) => record.id).toSorted()).toEqual(
    ids.toSorted(),
  );
  await stack.spawn(); // there is a slot for this one
  await gate.line.wake();
  await expect.poll(() => gate.line.inOrder()[0]?.reason).toMatch(/2 instances too many/);
  await expect.poll(() => stack.queues.gate.getJobState(large)).toBe('delayed');
});

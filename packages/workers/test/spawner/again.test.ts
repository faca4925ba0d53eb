import { systemClock } from '@spica/core';
import { readRecord } from '@spica/pool';
import { submitRequest } from '@spica/queues';
import { expect, it } from 'vitest';
import { aRequest, type Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';

let stack: Stack;
useStack((served) => {
  stack = served;
});

it('a request that is made again, though its job is gone, finds its instance with the pin that it has since', async () => {
  const submit = () => submitRequest(stack.queues, aRequest('main'), { key: 'k', clock: systemClock });
  const pinOnDisk = async () => (await readRecord(stack.ctx.pool, id))?.pin?.why;
  const request = await submit();
  const first = await stack.watcher.wait(request);
  const id = first.instances[0]?.id ?? '';
  await stack.ctx.catalog.mark(id, { pin: { by: 'eve', why: 'paper', at: 1 } });
  await expect.poll(pinOnDisk).toBe('paper');

  const job = await stack.queues.gate.getJob(request);
  await job?.remove({ removeChildren: true });
  expect(await submit()).toBe(request);
  expect(await stack.watcher.wait(request)).toEqual(first);
  expect(await pinOnDisk()).toBe('paper');
});

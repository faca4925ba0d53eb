import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import type { Stack } from '../../../../test/support/stack.ts';
import { useStack } from '../../../../test/support/use-stack.ts';
import { Spica } from '../../src/index.ts';

let stack: Stack;
useStack(
  (served) => {
    stack = served;
  },
  { 'pools.main.retention.max_instances': 2, 'gate.poll_every': '1h' },
);

async function connect(): Promise<{ spica: Spica; failed: unknown[] }> {
  const { target } = stack;
  const spica = await Spica.connect('url' in target ? { redisUrl: target.url } : target);
  const failed: unknown[] = [];
  spica.on('cancel-failed', (error) => failed.push(error));
  return { spica, failed };
}

it('cancels what was aborted, also where the client is closed at once', async () => {
  const { spica, failed } = await connect();
  const controller = new AbortController();
  const { signal } = controller;
  await spica.spawn({ count: 2, lease: '1h' }).then((request) => request.ready());
  const request = await spica.spawn({ count: 1, lease: '1h' }, { signal });
  await expect.poll(() => stack.ctx.gate.line.state().length).toBe(1);
  controller.abort(new Error('enough'));
  await expect(request.ready({ signal })).rejects.toThrow('enough');
  await spica.close();
  expect(failed).toEqual([]);
  await expect.poll(() => stack.ctx.gate.line.state().length).toBe(0);
});

it('releases what had come up when it was aborted, where nobody has got it', async () => {
  const { spica, failed } = await connect();
  const controller = new AbortController();
  const request = await spica.spawn({ count: 2, lease: '1h' }, { signal: controller.signal });
  for await (const { phase } of request) if (phase === 'ready') controller.abort();
  await spica.close();
  expect(failed).toEqual([]);
  const all = await Array.fromAsync(stack.ctx.catalog.list());
  expect(all.map(({ record }) => [record.lease, record.discarded])).toEqual([
    [null, true],
    [null, true],
  ]);
});

it('leaves what is held alone, and nothing on the signal of many requests', async () => {
  const { spica, failed } = await connect();
  const controller = new AbortController();
  const { signal } = controller;
  const batch = await (await spica.spawn({ count: 1, lease: '1h' }, { signal })).ready();
  await expect((await spica.spawn({ count: 9 }, { signal })).ready()).rejects.toThrow();
  for await (const _ of await spica.spawn({ count: 9 }, { signal }));
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  controller.abort();
  await spica.close();
  const lease = (await stack.ctx.catalog.get(batch.instances[0]?.id ?? ''))?.record.lease;
  expect([lease === null, failed]).toEqual([false, []]);
});

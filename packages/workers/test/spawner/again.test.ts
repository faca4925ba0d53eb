import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { readRecord } from '@spica/pool';
import { submitRequest } from '@spica/queues';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { aRequest, type Stack, startStack } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';

let server: Awaited<ReturnType<typeof startLocal>>;
let dir: string;
let stack: Stack;
beforeAll(async () => {
  server = await startLocal();
  dir = await mkdtemp(join(tmpdir(), 'spica-again-'));
  const template = await makeTemplate(join(dir, 'template'));
  stack = await startStack({ target: { url: server.url }, templates: { default: template } });
});
afterAll(async () => {
  await stack.close();
  await server.stop();
  await rm(dir, { recursive: true });
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

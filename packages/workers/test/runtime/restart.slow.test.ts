import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckError, systemClock } from '@spica/core';
import { connectProducer, openQueues, type PoolQueues, progressOf, submitRequest } from '@spica/queues';
import { execa } from 'execa';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { instancesOnDisk } from '../../../../test/support/pool.ts';
import { startLocal } from '../../../../test/support/redis.ts';
import { aRequest } from '../../../../test/support/stack.ts';
import { makeTemplate } from '../../../../test/support/template.ts';
import { makePools, type Place, type Serving, servePools } from '../serve.ts';

/** A machine whose cores are all busy takes its time. */
const POLL = { timeout: 120_000 };
const HANGING = fileURLToPath(new URL('./hanging.ts', import.meta.url));

let server: Awaited<ReturnType<typeof startLocal>>;
let redis: Redis;
let queues: PoolQueues;
let place: Place;
let serving: Serving | null;
beforeAll(async () => {
  server = await startLocal();
  redis = await connectProducer({ url: server.url });
  queues = openQueues('main', redis);
});
beforeEach(async () => {
  await redis.flushall();
  const dir = await mkdtemp(join(tmpdir(), 'spica-restart-'));
  const template = await makeTemplate(join(dir, 'template'));
  const settings = { 'gate.max_spawns_per_hour': 3, 'gate.breaker.failures': 1, 'gate.poll_every': '10m' };
  place = { dir, url: server.url, roots: { main: join(dir, 'pool') }, template, settings };
  serving = null;
  await makePools(place);
});
afterEach(async () => {
  await serving?.runtime.close();
  await rm(place.dir, { recursive: true });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

const submit = () => submitRequest(queues, aRequest('main'), { key: null, clock: systemClock });

async function untilState(id: string, state: string): Promise<void> {
  await expect.poll(() => queues.gate.getJobState(id), POLL).toBe(state);
}

async function serve(): Promise<Serving> {
  serving = await servePools(place);
  return serving;
}

async function restart(): Promise<Serving> {
  await serving?.runtime.close();
  return serve();
}

it('a start knows how many were spawned within the last hour', async () => {
  await serve();
  for (const id of [await submit(), await submit(), await submit()]) await untilState(id, 'completed');
  await restart();
  const id = await submit();
  await untilState(id, 'delayed');
  expect(progressOf((await queues.gate.getJob(id))?.progress)?.reason).toMatch(
    /^3 spawned in the last hour \+ 1 asked for, max_spawns_per_hour is 3/,
  );
});

it('a start knows that the breaker was open, and since when', async () => {
  const { of } = await serve();
  const { templates } = of('main');
  await untilState(await submit(), 'completed'); // prepares the template
  vi.spyOn(templates, 'get').mockRejectedValue(new CheckError('CLONE_FAILED', 'the disk is ill'));
  await untilState(await submit(), 'failed');
  const { breaker } = of('main').gate.limits;
  expect(breaker.openedAt).not.toBeNull();
  const again = await restart();
  expect(again.of('main').gate.limits.breaker).toEqual(breaker);
  const id = await submit();
  await untilState(id, 'delayed');
  expect(progressOf((await queues.gate.getJob(id))?.progress)?.reason).toMatch(/all requests are held/);
});

it('the jobs of a worker that was killed are taken up again within seconds', async () => {
  const child = execa(process.execPath, [HANGING, JSON.stringify(place)], { reject: false });
  let id = '';
  let lockMs = Number.NaN;
  for await (const line of child) {
    if (line === 'serves') id = await submit();
    if (line !== 'hangs') continue; // it has cloned the instance, and has not said so
    const [job] = await queues.spawn.getActive();
    const lock = queues.spawn.toKey(`${job?.id}:lock`);
    // Polled: where the child was held up, it has to renew it first.
    await expect.poll(async () => (lockMs = await redis.pttl(lock)), { timeout: 120_000 }).toBeGreaterThan(0);
    child.kill('SIGKILL');
  }
  await child;
  expect(lockMs).toBeLessThanOrEqual(5_000);
  const { of } = await serve();
  const served = performance.now();
  await untilState(id, 'completed');
  expect(performance.now() - served).toBeLessThan(29_000); // with BullMQ's own settings at least 30 s
  expect(await instancesOnDisk(of('main').pool)).toHaveLength(1);
  expect(of('main').gate.ledger.sums(Date.now())).toMatchObject({ instances: 1, reserved: { slots: 0 } });
});

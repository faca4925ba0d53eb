import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { submitRequest } from '@spica/queues';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { openDoor } from '../support/door.ts';
import { instancesOnDisk, whatLacks } from '../support/pool.ts';
import { isRunning, processesAbout } from '../support/process.ts';
import { type LocalRedis, startLocal } from '../support/redis.ts';
import { makeSite, type Site } from '../support/site.ts';
import { beginUp, spica } from '../support/spica.ts';
import { aRequest } from '../support/stack.ts';

let site: Site;
let redis: LocalRedis | undefined;
afterEach(async () => {
  await site.close();
  await redis?.stop();
  redis = undefined;
});

it('a second `spica up` on a pool names the process that serves it, and ends; the first goes on', async () => {
  redis = await startLocal();
  site = await makeSite({ redisUrl: redis.url });
  const first = await site.up();
  const elsewhere = { ...site.env, SPICA_STATE_DIR: join(site.dir, 'other-state') };
  const second = await spica(['up'], elsewhere);
  expect(second.exitCode).toBe(1);
  expect(lastLine(second.stderr)).toMatch(new RegExp(`^error: pool main: .*process ${first.pid}\\b`));
  expect(isRunning(first.pid)).toBe(true);
  expect((await site.spica('spawn')).exitCode).toBe(0);
});

it('without Redis a command says so in one line and exits 4; workers wait, and go on when it is back', async () => {
  redis = await startLocal();
  site = await makeSite({ redisUrl: redis.url });
  const up = await site.up();
  expect((await site.spica('spawn')).exitCode).toBe(0);
  await redis.kill();
  const { exitCode, stdout, stderr } = await site.spica('ls');
  expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
  expect(stderr).toMatch(/^error: Redis at \S+ is out of reach [^\n]*$/);
  await redis.restart();
  const again = await site.spica('spawn', '-n', '2');
  expect(again).toMatchObject({ exitCode: 0 });
  expect(again.stdout.split('\n')).toHaveLength(2);
  expect(await instancesOnDisk(site.pool)).toHaveLength(3);
  expect(isRunning(up.pid)).toBe(true);
});

it('SIGTERM while a shared Redis is away: it ends all the same', async () => {
  redis = await startLocal();
  site = await makeSite({ redisUrl: redis.url, settings: { shutdown_timeout: '2s' } });
  const up = await site.up();
  await redis.kill();
  up.signal('SIGTERM');
  expect(await up.ended).toMatchObject({ exitCode: 0 });
  expect(processesAbout(site.dir)).toEqual([]);
  await redis.restart();
  await site.up(); // nobody is taken to serve the pool any more
  expect((await site.spica('spawn')).exitCode).toBe(0);
});

it('SIGTERM once a shared Redis has gone in the middle of the start: it ends all the same, and the next start goes on', async () => {
  redis = await startLocal();
  site = await makeSite({ redisUrl: redis.url, settings: { shutdown_timeout: '1s' } });
  const port = Number(new URL(redis.url).port);
  // While it reconciles, starts its workers, and puts its schedules in place.
  for (const moment of ['catalog:touched', 'setname', 'prune-schedule']) {
    await using door = await openDoor({ port }, moment);
    const up = beginUp({ ...site.env, REDIS_URL: door.url });
    onTestFinished(() => up.kill('SIGKILL'));
    await up.said('Redis has gone away: the start waits for it');
    up.signal('SIGTERM');
    expect(await up.ended, moment).toMatchObject({ exitCode: 0 });
    expect(processesAbout(site.dir)).toEqual([]);
  }
  await site.up();
  expect((await site.spica('spawn')).exitCode).toBe(0);
});

it('SIGTERM in the middle of spawns: they are handed back in time, no process is left, and the next start ends them', async () => {
  site = await makeSite({
    template: { files: 1_000, bytes: 2_000 },
    retention: { max_instances: 30 },
    settings: { shutdown_timeout: '6s', concurrency: { spawn: 3 } },
  });
  const up = await site.up();
  const id = await site.withQueues((queues) =>
    submitRequest(queues, { ...aRequest('main'), count: 12 }, { key: null, clock: systemClock }),
  );
  await expect.poll(async () => (await instancesOnDisk(site.pool)).length).toBeGreaterThan(1);
  up.signal('SIGTERM');
  expect(await up.ended).toMatchObject({ exitCode: 0 });
  expect(processesAbout(site.dir)).toEqual([]);
  expect((await instancesOnDisk(site.pool)).length).toBeLessThan(12);
  for (const each of await instancesOnDisk(site.pool)) expect(lacks(each)).toEqual([]);

  await site.up();
  const state = () => site.withQueues((queues) => queues.gate.getJobState(id));
  await expect.poll(state).toBe('completed');
  const ids = await instancesOnDisk(site.pool);
  expect(ids).toHaveLength(12);
  for (const each of ids) expect(lacks(each)).toEqual([]);
  const published = () =>
    site.withQueues((_queues, connection) =>
      createCatalog({ redis: connection, pool: 'main' }).publishedGate(),
    );
  await expect
    .poll(async () => (await published())?.sums, { timeout: 120_000 })
    .toMatchObject({ reserved: { bytes: 0, inodes: 0, slots: 0 }, instances: 12 });
});

it('a second signal ends it at once, and its Redis with it', async () => {
  site = await makeSite({ template: { files: 4_000, bytes: 2_000 } });
  const up = await site.up();
  await site.withQueues((queues) =>
    submitRequest(queues, { ...aRequest('main'), count: 8 }, { key: null, clock: systemClock }),
  );
  await expect
    .poll(() => processesAbout(site.dir).some(({ command }) => /rsync|^cp /.test(command)))
    .toBe(true);
  up.signal('SIGINT');
  up.signal('SIGTERM');
  await up.ended;
  await expect.poll(() => processesAbout(site.dir)).toEqual([]);
});

function lacks(id: string): string[] {
  return whatLacks(site.pool, id, site.template);
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

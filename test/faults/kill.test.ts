import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createCatalog } from '@spica/catalog';
import { instanceIdOf, systemClock } from '@spica/core';
import { listRecords, listTrash, type Pool } from '@spica/pool';
import { type RequestResult, submitRequest, watchRequests } from '@spica/queues';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { instancesOnDisk, whatLacks } from '../support/pool.ts';
import { processesAbout } from '../support/process.ts';
import { makeSite, type Site } from '../support/site.ts';
import { aRequest } from '../support/stack.ts';

const REQUESTS = 20;
const KILLS = 3;
const MAX_INSTANCES = 12;

let site: Site;
beforeEach(async () => {
  // Large enough for a clone to take a while.
  site = await makeSite({
    template: { files: 100, bytes: 20_000 },
    retention: { max_instances: MAX_INSTANCES, trash_ttl: '0s' },
    settings: { concurrency: { gate: 4, spawn: 3 }, gate: { poll_every: '1s' } },
  });
});
afterEach(() => site.close());

it('kill -9 at any moment: every request ends, whole and once, and nothing is left behind', async () => {
  let up = await site.up();
  const ids = await submitAll();
  for (let kill = 0; kill < KILLS; kill += 1) {
    await changesIn(site.pool, 1 + Math.floor(Math.random() * 25));
    await up.kill('SIGKILL');
    for (const id of await instancesOnDisk(site.pool)) expect(lacks(id)).toEqual([]);
    up = await site.up();
  }
  const results = await waitForAll(ids);

  const spawned = results.flatMap(({ instances }) => instances.map(({ id }) => id));
  expect(new Set(spawned).size).toBe(spawned.length);
  const listed = await listCatalog();
  expect(listed.map(({ record }) => record.id).sort()).toEqual(await instancesOnDisk(site.pool));
  expect(listed.length).toBeLessThanOrEqual(MAX_INSTANCES);
  for (const { record, state } of listed) {
    expect(state).toBe('ready');
    expect(record.id).toBe(instanceIdOf('main', record.request ?? '', record.index ?? -1));
    expect(lacks(record.id)).toEqual([]);
  }
  await expect.poll(() => listTrash(site.pool)).toEqual([]);
  await up.kill('SIGTERM');
  await expectNothingLeft(listed.map(({ record }) => record.id));
}, 120_000);

/** Resolves after so many changes of what lies in staging, in the trash, and in sight: a moment of the work's own time. */
async function changesIn({ paths }: Pool, count: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let seen = 0;
  const watchers = [paths.staging, paths.trash, paths.root].map((dir) =>
    watch(dir, () => {
      seen += 1;
      if (seen >= count) resolve();
    }),
  );
  await promise;
  for (const watcher of watchers) watcher.close();
}

function lacks(id: string): string[] {
  return whatLacks(site.pool, id, site.template);
}

/** Requests for one to three instances each, all there before the first kill. */
function submitAll(): Promise<string[]> {
  return site.withQueues((queues) =>
    Promise.all(
      Array.from({ length: REQUESTS }, (_, i) =>
        submitRequest(
          queues,
          { ...aRequest('main'), count: 1 + (i % 3), params: { I: i } },
          { key: null, clock: systemClock },
        ),
      ),
    ),
  );
}

function waitForAll(ids: readonly string[]): Promise<RequestResult[]> {
  return site.withQueues(async (queues, redis) => {
    const watcher = await watchRequests(queues, { redis, pool: 'main' });
    try {
      return await Promise.all(ids.map((id) => watcher.wait(id)));
    } finally {
      await watcher.close();
    }
  });
}

function listCatalog() {
  return site.withQueues(async (_queues, redis) => {
    const catalog = createCatalog({ redis, pool: 'main' });
    expect(await catalog.reservations()).toEqual([]);
    expect(await catalog.held()).toEqual([]);
    const all = [];
    for await (const instance of catalog.list()) all.push(instance);
    return all;
  });
}

async function expectNothingLeft(instances: readonly string[]): Promise<void> {
  expect(await readdir(site.pool.paths.staging)).toEqual([]);
  const { records } = await listRecords(site.pool);
  expect(records.map(({ id }) => id).sort()).toEqual([...instances].sort());
  expect(processesAbout(site.dir)).toEqual([]);
}

import { existsSync, watch } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { instanceIdOf, systemClock } from '@spica/core';
import { listRecords, listTrash, type Pool, readChargesNow } from '@spica/pool';
import { type RequestResult, submitRequest, watchRequests } from '@spica/queues';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { imageSite } from '../support/image.ts';
import { instancesOnDisk, whatLacks } from '../support/pool.ts';
import { isRunning, processesAbout } from '../support/process.ts';
import { makeSite, type Site, type SiteOptions } from '../support/site.ts';
import { aRequest } from '../support/stack.ts';

const REQUESTS = 20;
const KILLS = 3;
const MAX_INSTANCES = 12;

let site: Site;
afterEach(() => site.close());

async function makeBusySite(files: number, own: Pick<SiteOptions, 'root' | 'disk'> = {}): Promise<void> {
  site = await makeSite({
    ...own,
    template: { files, bytes: 20_000 },
    retention: { max_instances: MAX_INSTANCES, trash_ttl: '0s' },
    settings: { concurrency: { gate: 4, spawn: 3 }, gate: { poll_every: '1s' } },
  });
}

const END = 'every request ends, whole and once, and nothing is left behind';

it(`kill -9 at any moment: ${END}`, async () => {
  await makeBusySite(100);
  await killAndExpectAll();
});

it(`kill -9 at any moment, in an image: ${END}, and the kernel charges whom there is`, async (context) => {
  const image = await imageSite();
  if ('skipped' in image) return context.skip(image.skipped);
  onTestFinished(() => image.close());
  await image.make({ bytes: 1e9 });
  await makeBusySite(100, { root: image.root, disk: { max_instance_gb: 0.05 } });
  const grown = new Set<string>();
  const listed = await killAndExpectAll(async () => {
    const [id] = await instancesOnDisk(site.pool);
    if (id === undefined) return;
    grown.add(id);
    await site.spica('grow', id, '60M'); // its worker is killed meanwhile, or not
  });
  const charges = (await readChargesNow(image.root))?.byInstance ?? new Map();
  for (const id of listed) {
    const { capBytes } = charges.get(id) ?? {};
    expect([id, capBytes]).toEqual([id, grown.has(id) && capBytes === 60e6 ? 60e6 : 50e6]);
  }
  // Those of the others are forgotten by whoever serves the pool next.
  const up = await site.up();
  const charged = async () => [...((await readChargesNow(image.root))?.byInstance.keys() ?? [])].sort();
  await expect.poll(charged).toEqual(listed);
  await up.kill('SIGTERM');
});

/** Returns the ids of the instances that are there in the end, in order. */
async function killAndExpectAll(meanwhile = () => Promise.resolve()): Promise<string[]> {
  let up = await site.up();
  const ids = await submit(REQUESTS);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const others = meanwhile();
    await changesIn(site.pool, 1 + Math.floor(Math.random() * 25));
    await up.kill('SIGKILL');
    await others;
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
  const left = listed.map(({ record }) => record.id).sort();
  await expectNothingLeft(left);
  return left;
}

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

it('kill -9 in the middle of a clone: the copy ends with the worker, and the next start makes it anew', async () => {
  await makeBusySite(5_000); // a copy takes long enough to be met
  const up = await site.up();
  const submitted = await submit(1);
  const copies = () => processesAbout(site.dir).filter(({ command }) => command.startsWith('cp '));
  let pid = 0;
  const stopOne = () => {
    pid = copies()[0]?.pid ?? 0;
    return pid > 0 && stopped(pid);
  };
  await expect.poll(stopOne, { interval: 5 }).toBe(true);
  await up.kill('SIGKILL');
  // Stopped as it is, the copy cannot have come to its end by itself.
  await expect.poll(() => isRunning(pid)).toBe(false);
  // As a kill leaves it that comes while a record is written.
  const draft = join(site.pool.paths.records, 'spica-0123456789ab.json.4711-0123abcd.tmp');
  await writeFile(draft, '{');
  await site.up();
  await waitForAll(submitted);
  expect(await readdir(site.pool.paths.staging)).toEqual([]);
  expect(existsSync(draft)).toBe(false);
});

/** Stops a process; false when it had ended before. */
function stopped(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGSTOP');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Requests for one to three instances each. */
function submit(requests: number): Promise<string[]> {
  return site.withQueues((queues) =>
    Promise.all(
      Array.from({ length: requests }, (_, i) =>
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
    const watcher = await watchRequests(queues, redis);
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
    const published = async () => {
      const gate = await catalog.publishedGate();
      return { reserved: gate?.sums.reserved, held: gate?.held };
    };
    await expect.poll(published).toEqual({ reserved: { bytes: 0, inodes: 0, slots: 0 }, held: [] });
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

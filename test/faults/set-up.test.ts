import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceIdOf, systemClock } from '@spica/core';
import { listRecords } from '@spica/pool';
import { progressOf, submitRequest, watchRequests } from '@spica/queues';
import { afterEach, expect, it } from 'vitest';
import { whyHeld } from '../support/audit.ts';
import { instancesOnDisk, whatLacks } from '../support/pool.ts';
import { isRunning, processesAbout } from '../support/process.ts';
import { makeSite, type Site } from '../support/site.ts';
import { makeSmallSite } from '../support/small-disk.ts';
import { aRequest } from '../support/stack.ts';

let site: Site;
afterEach(() => site.close());

/** What the set-up of the site's instances does. */
const setUp = (script: string) => writeFile(join(site.template, 'set-up.sh'), script);
const at = (name: string) => join(site.dir, name);
const pidIn = async (name: string) => Number(await readFile(at(name), 'utf8').catch(() => '0'));
/** When a file was made: its number alone may be given to the next one. */
const birthOf = async (path: string) => (await stat(path, { bigint: true })).birthtimeNs;
const ofTemplate = { setup: ['sh', './set-up.sh'] };

const submit = (count: number, params = {}) =>
  site.withQueues((queues) =>
    submitRequest(queues, { ...aRequest('main'), count, params }, { key: null, clock: systemClock }),
  );

const waitFor = (id: string) =>
  site.withQueues(async (queues, redis) => {
    const watcher = await watchRequests(queues, redis);
    try {
      return await watcher.wait(id);
    } finally {
      await watcher.close();
    }
  });

it('kill -9 in the middle of a set-up ends it with all it started, and the instance is made anew, never handed out half', async () => {
  site = await makeSite({ ofTemplate });
  await setUp(`
    echo half >>progress
    setsid sh -c 'echo $$ >${at('apart')}; exec sleep 1000' &
    sh -c 'echo $$ >${at('below')}; sleep 1000; echo late >late' &
    until test -e ${at('go')}; do sleep 0.05; done
    echo whole >>progress`);
  const up = await site.up();
  const request = await submit(1);
  const id = instanceIdOf('main', request, 0);
  const path = join(site.pool.paths.root, id);
  await expect.poll(() => pidIn('apart')).toBeGreaterThan(0);
  await expect.poll(() => pidIn('below')).toBeGreaterThan(0);
  expect(await readFile(join(path, 'progress'), 'utf8')).toBe('half\n');
  const [apart, below] = [await pidIn('apart'), await pidIn('below')];
  const first = await birthOf(path);

  await up.kill('SIGKILL');
  await expect.poll(() => isRunning(below)).toBe(false); // nobody has started Spica again
  const shells = () => processesAbout('./set-up.sh').filter(({ pid }) => pid !== apart);
  await expect.poll(shells).toEqual([]);
  await writeFile(at('go'), '');
  await site.up();
  await expect.poll(() => isRunning(apart)).toBe(false);
  const { instances } = await waitFor(request);

  expect(instances).toEqual([{ id, path }]);
  expect(await readFile(join(path, 'progress'), 'utf8')).toBe('half\nwhole\n');
  expect(await birthOf(path)).not.toBe(first);
  expect(existsSync(join(path, 'late'))).toBe(false);
  expect(whatLacks(site.pool, id, site.template)).toEqual([]);
  expect(await readdir(site.pool.paths.staging)).toEqual([]);
  const { records } = await listRecords(site.pool);
  expect(records.map((record) => record.settingUp)).toEqual([undefined]);
});

it('a worker that ends while a set-up runs ends that, and the next one serves the request', async () => {
  site = await makeSite({ ofTemplate, settings: { shutdown_timeout: '6s' } });
  await setUp(`echo $$ >${at('pid')}; until test -e ${at('go')}; do sleep 0.05; done`);
  const up = await site.up();
  const request = await submit(2);
  await expect.poll(() => pidIn('pid')).toBeGreaterThan(0);
  await up.kill('SIGTERM');
  await expect.poll(async () => isRunning(await pidIn('pid'))).toBe(false);
  await writeFile(at('go'), '');
  await site.up();
  expect((await waitFor(request)).instances).toHaveLength(2);
});

it('a set-up that fills the disk: its request is held, its neighbours are untouched, and all goes on when there is room', async (context) => {
  const small = await makeSmallSite({ ofTemplate });
  if ('skipped' in small) return context.skip(small.skipped);
  site = small;
  await setUp(`test -z "$GREEDY" || test -e ${at('enough')} || cat /dev/zero >zeros`);
  await site.up();
  const before = await waitFor(await submit(1));
  const greedy = await submit(1, { GREEDY: 1 });
  const phase = () =>
    site.withQueues(async (queues) => progressOf((await queues.gate.getJob(greedy))?.progress));
  await expect.poll(phase).toMatchObject({ phase: 'held' });
  expect(await whyHeld(join(site.dir, 'state', 'audit.jsonl'), greedy)).toMatch(/full|no room|given up/);
  await writeFile(at('enough'), '');
  expect((await waitFor(greedy)).instances).toHaveLength(1);
  expect(await instancesOnDisk(site.pool)).toHaveLength(2);
  for (const { id } of before.instances) expect(whatLacks(site.pool, id, site.template)).toEqual([]);
  const { stdout } = await site.spica('audit', 'tail', '--json');
  expect(stdout).not.toContain('"action":"breaker"');
});

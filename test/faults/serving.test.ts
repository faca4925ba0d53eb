import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Catalog, createCatalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { lockPool } from '@spica/pool';
import { connectProducer } from '@spica/queues';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { readAudit } from '../support/audit.ts';
import { type LocalRedis, startLocal } from '../support/redis.ts';
import { makeSite, type Site, type SiteOptions } from '../support/site.ts';

/** Two hosts, each with a pool `main` of its own, on one Redis. */
let server: LocalRedis;
let redis: Redis;
let catalog: Catalog;
let sites: Site[];
beforeAll(async () => {
  server = await startLocal();
  redis = await connectProducer({ url: server.url });
  catalog = createCatalog({ redis, pool: 'main' });
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(() => {
  sites = [];
});
afterEach(async () => {
  for (const site of sites) await site.close();
  await redis.flushall();
});

async function addSite(options: SiteOptions = {}): Promise<Site> {
  const site = await makeSite({ redisUrl: server.url, ...options });
  sites.push(site);
  return site;
}

const auditOf = (site: Site) => readAudit(join(site.env['SPICA_STATE_DIR'] ?? '', 'audit.jsonl'));

it('a name that is served is taken by no other pool, and one that is not served any more is', async () => {
  const [first, second] = [await addSite(), await addSite()];
  const up = await first.up();
  expect(await first.here('spawn', '-n', '3')).toMatchObject({ exitCode: 0 });

  for (const refused of [await second.here('init', '--rebind'), await second.spica('up')]) {
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringMatching(
        /served by process \d+ \(spica up\) .*Another project or host serves a pool of that name/,
      ),
    ]);
  }
  expect(await first.here('spawn')).toMatchObject({ exitCode: 0 });
  expect((await auditOf(first)).filter(({ action }) => action === 'bury_instance')).toEqual([]);

  await up.kill('SIGKILL'); // Redis still names it, and it is not there any more
  expect((await second.spica('up')).stderr).toContain('`spica init --rebind` takes this root from now on');
  expect(await second.here('init', '--rebind')).toMatchObject({ exitCode: 0 });
  await second.up();
  expect((await first.spica('up')).stderr).toContain('Another project or host serves a pool of that name');
});

it('a process whose name is given to another pool meanwhile stops, and buries nothing', async () => {
  const [first, second] = [await addSite(), await addSite()];
  const up = await first.up();
  expect(await first.here('spawn', '-n', '3')).toMatchObject({ exitCode: 0 });
  // As an older version's `init --rebind` and worker had it.
  await catalog.forgetIdentity();
  await catalog.identify({ id: second.pool.id, method: 'copy' });
  const { exitCode, stderr } = await up.ended;
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^error: pool main: Redis knows it as /m)]);
  expect((await auditOf(first)).filter(({ action }) => action === 'bury_instance')).toEqual([]);
});

it('a process whose pool is served from another host meanwhile stops', async () => {
  const site = await addSite();
  const up = await site.up();
  const self = await catalog.server();
  const other = {
    ...self,
    token: 'other',
    host: 'another-host',
    boot: 'another',
    pid: 4711,
    purpose: 'spica up',
    since: 'then',
    startTicks: '1',
  };
  await redis.set('{spica:main}:catalog:server', JSON.stringify(other));
  const { exitCode, stderr } = await up.ended;
  const said =
    /^error: pool main: served already by process 4711 \(spica up\) on host another-host since then$/m;
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(said)]);
  // While that one says that it is there, nobody else serves the pool.
  expect((await site.spica('up')).stderr).toMatch(said);
  await redis.del('{spica:main}:catalog:server');
  await site.up();
});

it('a process tells Redis who serves the pool again after that was lost', async () => {
  const site = await addSite();
  const up = await site.up();
  await redis.flushall();
  await expect.poll(() => catalog.server()).toMatchObject({ pid: up.pid });
  await up.kill('SIGTERM');
  expect(await catalog.server()).toBeNull();
  await site.up();
});

it('no second process serves a pool whose lock file was removed, and the first makes it good', async () => {
  const site = await addSite();
  const up = await site.up();
  const lock = `${site.pool.paths.servedBy}.lock`;
  await rm(lock);
  const second = await site.spica('up');
  expect([second.exitCode, second.stderr]).toEqual([
    1,
    expect.stringMatching(
      new RegExp(`^error: pool main: served already by process ${up.pid} \\(spica up\\) since `, 'm'),
    ),
  ]);
  await expect.poll(() => existsSync(lock)).toBe(true);
  for (const path of [lock, site.pool.paths.servedBy]) await rm(path);
  await expect.poll(() => existsSync(site.pool.paths.servedBy)).toBe(true);
  expect(JSON.parse(await readFile(site.pool.paths.servedBy, 'utf8'))).toMatchObject({ pid: up.pid });
  expect(await site.here('spawn')).toMatchObject({ exitCode: 0 });
});

it('a process stops when another has locked the pool, after its files were removed', async () => {
  const site = await addSite();
  const up = await site.up();
  const takeLock = async () => {
    for (const path of [`${site.pool.paths.servedBy}.lock`, site.pool.paths.servedBy])
      await rm(path, { force: true });
    return lockPool(site.pool, { clock: systemClock });
  };
  // Between the two it makes them good where its time has come; it does not come twice within seconds.
  const lock = await takeLock().catch(takeLock);
  onTestFinished(() => lock.release());
  const { exitCode, stderr } = await up.ended;
  const said = `error: pool main: served already by process ${process.pid} (spica up)`;
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining(said)]);
});

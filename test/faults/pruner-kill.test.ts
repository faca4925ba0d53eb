import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Catalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { listTrash, readRecord, verifyAudit, verifyLineage } from '@spica/pool';
import { connectWorker } from '@spica/queues';
import { createLogger, type EmbeddedRedis, startEmbeddedRedis, startRuntime } from '@spica/workers';
import type { Job } from 'bullmq';
import { execa } from 'execa';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPruner } from '../../packages/workers/src/pruner/processor.ts';
import { reconcile } from '../../packages/workers/src/reconciler/reconcile.ts';
import { readAudit } from '../support/audit.ts';
import { bundlePrograms } from '../support/bundled.ts';
import { makeSite, type Site, serve } from './pruner/site.ts';

const DELETE = fileURLToPath(new URL('./pruner/delete.ts', import.meta.url));
/** So many deletions are cut off at a time. */
const LANES = 2;
const logger = createLogger({ level: 'silent', pretty: false });

let dir: string;
let server: EmbeddedRedis;
let redis: Redis;
let sites = 0;
/** The program that deletes. */
let remover: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-pruner-'));
  const programs = await bundlePrograms({ delete: DELETE }, join(dir, 'programs'));
  remover = join(programs, 'delete.js');
  server = await startEmbeddedRedis({ stateDir: dir, logger });
  redis = connectWorker(server.target);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
});

it('is whole and listed or gone and audited, killed -9 before any step of its deletion', async () => {
  const ends = { whole: 0, gone: 0 };
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let step = lane; ; step += LANES) {
      const site = await newSite();
      const killed = await deleteAndDie(site, { step });
      ends[await expectMended(site)] += 1;
      if (!killed) return;
    }
  });
  await Promise.all(lanes);
  // Before and after the point of no return, which is the rename.
  expect(ends.whole).toBeGreaterThan(5);
  expect(ends.gone).toBeGreaterThan(5);
});

it('is gone and audited, killed -9 while `rm` is half done', async () => {
  const site = await newSite();
  const bin = join(site.dir, 'bin');
  await mkdir(bin);
  // An `rm` that deletes one file, and then its caller.
  await writeFile(
    join(bin, 'rm'),
    '#!/bin/sh\nfor tree; do :; done\n/bin/rm "$tree/VERSION"\nkill -9 "$PPID"\n',
  );
  await chmod(join(bin, 'rm'), 0o755);
  expect(await deleteAndDie(site, { path: bin })).toBe(true);
  const [half] = await listTrash(site.pool);
  expect(half).toMatchObject({ id: site.instance, isDeletionBegun: true });
  await expect(lstat(join(half?.path ?? '', 'VERSION'))).rejects.toThrow('ENOENT');
  // All of `spica up`, which goes on by itself.
  const { config, target } = site;
  const runtime = await startRuntime({ config, target, clock: systemClock, logger });
  const ctx = runtime.pools.get(site.name);
  try {
    if (!ctx) throw new Error(`${site.name} is not served`);
    await expectGone(site, ctx, runtime.auditPath);
  } finally {
    await runtime.close();
  }
});

async function newSite(): Promise<Site> {
  sites += 1;
  const name = `pool-${sites}`;
  const own = join(dir, name);
  await mkdir(own);
  return makeSite(redis, { dir: own, name, target: server.target });
}

/** Whether the process that deletes was killed on its way. */
async function deleteAndDie(
  { dir: of, name }: Site,
  { step, path }: { step?: number; path?: string },
): Promise<boolean> {
  const socket = 'socket' in server.target ? server.target.socket : '';
  const args = [remover, of, name, socket, ...(step === undefined ? [] : [String(step)])];
  const PATH = [...(path === undefined ? [] : [path]), process.env['PATH']].join(':');
  const { signal, exitCode, stderr } = await execa(process.execPath, args, {
    env: { NODE_COMPILE_CACHE: join(dir, 'compiled'), PATH },
    reject: false,
  });
  if (signal !== 'SIGKILL') expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  return signal === 'SIGKILL';
}

/** The pruner starts as with any worker: at the end of it all is as it was, or nothing is left. */
async function expectMended(site: Site): Promise<'whole' | 'gone'> {
  const { ctx, log, close } = await serve(redis, site);
  try {
    await reconcile(ctx, { starting: true });
    const isWhole = (await ctx.catalog.get(site.instance)) !== null;
    const data = { pool: site.name, cause: 'trash', all: false };
    await createPruner(ctx)({ id: 'job', data } as Job);
    if (isWhole) await expectWhole(site, ctx);
    else await expectGone(site, ctx, log.path);
    expect((await verifyAudit(log.path)).problems).toEqual([]);
    return isWhole ? 'whole' : 'gone';
  } finally {
    await close();
  }
}

async function expectWhole({ pool, instance }: Site, { catalog }: { catalog: Catalog }): Promise<void> {
  expect(await catalog.get(instance)).toMatchObject({ state: 'ready' });
  expect(await verifyLineage(pool, instance)).toMatchObject({ ok: true });
  expect(await readFile(join(pool.pathOf(instance), 'data', 'file-4'), 'utf8')).toHaveLength(1_000);
  expect(await readRecord(pool, instance)).not.toBeNull();
  expect(await readdir(pool.paths.trash)).toEqual([]);
}

async function expectGone(
  { pool, instance }: Site,
  { catalog }: { catalog: Catalog },
  auditPath: string,
): Promise<void> {
  await expect(lstat(pool.pathOf(instance))).rejects.toThrow('ENOENT');
  await expect.poll(() => readdir(pool.paths.trash)).toEqual([]);
  expect(await catalog.count()).toBe(0);
  const outcomes = (await readAudit(auditPath))
    .filter((line) => line.action === 'delete_instance' && line.instance === instance)
    .map((line) => line.outcome);
  expect(outcomes[0]).toBe('intent');
  expect(outcomes.at(-1)).toBe('deleted');
}

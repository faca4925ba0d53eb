import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listTrash, verifyLineage } from '@spica/pool';
import { expect, it, vi } from 'vitest';
import { mirrorChanges } from '../../packages/workers/src/runtime/mirror.ts';
import { HOUR, MINUTE } from './operation.ts';
import type { World } from './world.ts';
import { spawned, useWorlds } from './worlds.ts';

const inWorld = useWorlds();
const settings = {
  'pools.main.retention.protect_live_processes': false,
  'pools.main.retention.keep_after_lease': '0s',
  'pools.main.retention.trash_ttl': '10m',
};
/** A prune for a request of one instance, which needs more than any disk has and lacks so much of that. */
const pruneFor = (world: World, { bytes, inodes }: { bytes: number; inodes: number }) =>
  world.prune({
    pool: 'main',
    cause: 'request',
    from: null,
    request: 'r',
    need: { bytes: bytes > 0 ? 2 ** 50 : 0, inodes: inodes > 0 ? 2 ** 50 : 0, slots: 1 },
    shortfall: { bytes, inodes, slots: 0 },
  });
const pruneAll = (world: World) =>
  world.prune({ pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null });
const sweep = (world: World) => world.prune({ pool: 'main', cause: 'trash', all: false });
const restore = (world: World, id: string) => world.prune({ pool: 'main', cause: 'restore', id });

it('what was pruned can be brought back until trash_ttl is over, whole, with score and what it was', () =>
  inWorld({ settings }, async (world) => {
    const [id = ''] = await spawned(world, 1, MINUTE);
    await writeFile(join(world.pool.pathOf(id), 'result'), '42');
    await world.ctx.catalog.mark(id, { score: 0.9 });
    const before = await world.ctx.catalog.get(id);
    world.clocks.pass(2 * MINUTE); // its lease ends
    const { pruned, trashedBytes, reclaimedBytes } = await pruneAll(world);
    expect(pruned).toMatchObject([{ id, bytes: trashedBytes }]);
    expect(trashedBytes).toBeGreaterThan(0);
    expect(reclaimedBytes).toBe(0);
    world.clocks.pass(10 * MINUTE - 1);
    await sweep(world);

    await restore(world, id);
    const { sample, ...said } = before?.record ?? {};
    expect(await world.ctx.catalog.get(id)).toMatchObject({ state: 'ready', record: said });
    expect(sample).not.toBeNull();
    expect(await verifyLineage(world.pool, id)).toMatchObject({ ok: true });
    expect(await readdir(world.pool.pathOf(id))).toContain('result');
    expect(await readdir(world.pool.paths.trash)).toEqual([]);
  }));

it('an instance that was brought back can be leased and pinned again, and then stays', () =>
  inWorld({ settings }, async (world) => {
    const [id = ''] = await spawned(world, 1);
    await pruneAll(world);
    await restore(world, id);
    const now = world.clocks.wall;
    await world.ctx.catalog.lease(id, { owner: 'ada', token: 't', expiresAt: now + HOUR, now });
    await world.ctx.catalog.mark(id, { pin: { by: 'ada', why: 'keep', at: now } });
    await mirrorChanges(world.ctx);
    expect((await pruneAll(world)).pruned).toEqual([]);
    expect(await world.visible()).toEqual(new Set([id]));
  }));

it('after trash_ttl it is gone for good, and its space is free', () =>
  inWorld({ settings }, async (world) => {
    const [id = ''] = await spawned(world, 1);
    const { trashedBytes } = await pruneAll(world);
    world.clocks.pass(10 * MINUTE);
    expect(await sweep(world)).toMatchObject({ reclaimedBytes: trashedBytes });
    await expect(restore(world, id)).rejects.toThrow('it is gone for good, or was never deleted');
    expect(await readdir(world.pool.paths.trash)).toEqual([]);
  }));

it('trash_ttl: 0 deletes for good at once', () =>
  inWorld({ settings: { ...settings, 'pools.main.retention.trash_ttl': '0s' } }, async (world) => {
    await spawned(world, 2);
    const { pruned, reclaimedBytes, trashedBytes } = await pruneAll(world);
    expect(reclaimedBytes).toBe(pruned.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0));
    expect(trashedBytes).toBe(0);
    expect(await readdir(world.pool.paths.trash)).toEqual([]);
  }));

it('a request that is short of space gets the oldest of the trash first, and no instance goes for it then', () =>
  inWorld({ settings }, async (world) => {
    await spawned(world, 1);
    const { trashedBytes: oldestBytes } = await pruneAll(world);
    world.clocks.pass(MINUTE);
    const [younger = ''] = await spawned(world, 1);
    await pruneAll(world);
    world.clocks.pass(MINUTE);
    const [live = ''] = await spawned(world, 1);
    const result = await pruneFor(world, { bytes: oldestBytes, inodes: 0 });
    expect(result).toMatchObject({ pruned: [], reclaimedBytes: oldestBytes });
    expect(await world.visible()).toEqual(new Set([live]));
    expect([...(await world.trashed()).keys()]).toEqual([younger]);
  }));

it('a request that is short of inodes alone gets the trash first too, and no instance goes for it then', () =>
  inWorld({ settings }, async (world) => {
    await spawned(world, 1);
    await pruneAll(world);
    const inodes = (await listTrash(world.pool))[0]?.note?.record?.sample?.inodes ?? 0;
    world.clocks.pass(MINUTE);
    const [live = ''] = await spawned(world, 1);
    const space = await world.ctx.gauge.read({ maxAgeMs: 0 });
    vi.spyOn(world.ctx.gauge, 'read').mockResolvedValue({ ...space, freeInodes: 1e6, totalInodes: 2e6 });
    const result = await pruneFor(world, { bytes: 0, inodes });
    expect(inodes).toBeGreaterThan(0);
    expect(result).toMatchObject({ pruned: [] });
    expect(await world.visible()).toEqual(new Set([live]));
    expect(await readdir(world.pool.paths.trash)).toEqual([]);
  }));

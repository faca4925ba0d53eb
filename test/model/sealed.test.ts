import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { previewPrune } from '../../packages/workers/src/preview.ts';
import { HOUR, MINUTE } from './operation.ts';
import { reconcileWorld } from './reconcile.ts';
import type { World } from './world.ts';
import { spawned, useWorlds } from './worlds.ts';

const inWorld = useWorlds();
const settings = {
  'pools.main.retention.protect_live_processes': false,
  'pools.main.retention.keep_after_lease': '0s',
};
const ALL = { maxInstances: 0, maxAgeMs: null };
const carryOut = (world: World, digest: string) => world.prune({ pool: 'main', cause: 'sealed', digest });

it('a plan that was shown is carried out as it was shown: what came later stays', () =>
  inWorld({ settings }, async (world) => {
    const planned = await spawned(world, 3);
    const { digest } = await previewPrune(world.ctx, ALL);
    const [later] = await spawned(world, 1);
    const { pruned, skipped } = await carryOut(world, digest);
    expect(pruned.map(({ id }) => id).sort()).toEqual(planned.toSorted());
    expect(pruned.every(({ reason }) => reason.includes(digest))).toBe(true);
    expect(skipped).toEqual([]);
    expect([...(await world.visible())]).toEqual([later]);
  }));

it('what changed since a plan was shown is left alone, each with the reason', () =>
  inWorld({ settings }, async (world) => {
    const [asItWas = '', leased = '', pinned = '', scored = '', locked = '', used = ''] = await spawned(
      world,
      6,
    );
    const [gone = ''] = await spawned(world, 1);
    const { digest, plan } = await previewPrune(world.ctx, ALL);
    expect(plan.deletes).toHaveLength(7);
    const { catalog } = world.ctx;
    const now = world.clocks.wall;
    const lease = { owner: 'ada', token: 't', now };
    await catalog.lease(leased, { ...lease, expiresAt: now + HOUR });
    await catalog.lease(used, { ...lease, expiresAt: now + MINUTE });
    await catalog.mark(pinned, { pin: { by: 'ada', why: 'the best so far', at: now } });
    await catalog.mark(scored, { score: 0.9 });
    await writeFile(join(world.pool.pathOf(locked), '.tournament_lock'), `{"started_at":${now / 1_000}}`);
    await rm(world.pool.pathOf(gone), { recursive: true });
    await reconcileWorld(world, false);
    world.clocks.pass(2 * MINUTE);

    const { pruned, skipped } = await carryOut(world, digest);
    expect(pruned.map(({ id }) => id)).toEqual([asItWas]);
    expect(Object.fromEntries(skipped.map(({ id, reason }) => [id, reason]))).toEqual({
      [leased]: expect.stringContaining('leased by ada until '),
      [pinned]: expect.stringContaining('pinned by ada: the best so far'),
      [scored]: 'its score changed since the plan was made, from none to 0.9',
      [locked]: expect.stringContaining('.tournament_lock protects it until '),
      [used]: 'it was leased since the plan was made',
      [gone]: 'it is gone',
    });
    expect(await world.visible()).toEqual(new Set([leased, pinned, scored, locked, used]));
  }));

it('a plan is carried out for an hour after it was made, and an unknown one never', () =>
  inWorld({ settings }, async (world) => {
    await spawned(world, 2);
    const { digest } = await previewPrune(world.ctx, ALL);
    await expect(carryOut(world, '0123456789abcdef')).rejects.toThrow(
      'no plan "0123456789abcdef" is known in pool main',
    );
    world.clocks.pass(HOUR + 1);
    await expect(carryOut(world, digest)).rejects.toThrow('was not made within the last hour');
    expect((await world.visible()).size).toBe(2);
    world.clocks.pass(-1);
    expect((await carryOut(world, digest)).pruned).toHaveLength(2);
  }));

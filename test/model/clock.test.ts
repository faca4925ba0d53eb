import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { previewPrune } from '../../packages/workers/src/preview.ts';
import { DAY, HOUR, MINUTE } from './operation.ts';
import { reconcileWorld } from './reconcile.ts';
import type { World } from './world.ts';
import { spawned, useWorlds } from './worlds.ts';

const inWorld = useWorlds();
/** As with the embedded Redis: its clock is the host's, and set with it. */
const options = {
  redisOnHost: true,
  settings: {
    'pools.main.retention.protect_live_processes': false,
    'pools.main.retention.max_instances': 3,
    'pools.main.retention.max_age_days': 1,
    'pools.main.retention.keep_after_lease': '0s',
    'pools.main.retention.trash_ttl': '10m',
  },
};
const prune = (world: World) => world.prune({ pool: 'main', cause: 'schedule' });
const JUMPED = "the host's clock jumped forward by 1d1h while running";

it('set a day ahead, the clock ends no life: rules of age are suspended, and plan, catalog and audit say so', () =>
  inWorld(options, async (world) => {
    const ids = await spawned(world, 3);
    world.clocks.set(world.clocks.wall + DAY + HOUR);
    const { pruned, sentence } = await prune(world);
    expect(pruned).toEqual([]);
    expect(sentence).toContain(`age and ttl rules are suspended: ${JUMPED}`);
    const { plan } = await previewPrune(world.ctx, { maxInstances: null, maxAgeMs: null });
    expect(plan.items.map(({ rule }) => rule)).toEqual(['clock', 'clock', 'clock']);
    expect(await world.ctx.catalog.clockState()).toMatchObject({
      suspended: { kind: 'jump', reason: JUMPED },
    });
    const said = (await world.audit()).filter(({ action }) => action === 'age_rules');
    expect(said).toMatchObject([{ outcome: 'suspended', reason: JUMPED }]);
    expect(await world.visible()).toEqual(new Set(ids));
  }));

it('count rules still work, around leases and lock files, which the jump does not end', () =>
  inWorld(options, async (world) => {
    const [leased = ''] = await spawned(world, 1, HOUR);
    const [used = ''] = await spawned(world, 1);
    const startedAt = world.clocks.wall / 1_000;
    await writeFile(join(world.pool.pathOf(used), '.tournament_lock'), `{"started_at":${startedAt}}`);
    world.clocks.pass(MINUTE);
    const [oldest = ''] = await spawned(world, 1);
    world.clocks.pass(MINUTE);
    await spawned(world, 1);
    world.clocks.set(world.clocks.wall + DAY + HOUR);
    expect((await prune(world)).pruned).toMatchObject([{ id: oldest }]);
    expect(await world.visible()).toContain(leased);
    // Nor does it end what another worker finds, which has not seen it.
    await spawned(world, 1);
    await world.stop();
    await world.start();
    await reconcileWorld(world, true);
    await prune(world);
    expect([...(await world.visible())]).toEqual(expect.arrayContaining([leased, used]));
    // What was put away before the jump can be brought back for as long as it could.
    expect((await world.trashed()).get(oldest)).toBe(false);
    // And an hour of right time ends them all the same.
    world.clocks.pass(HOUR);
    await spawned(world, 3);
    await prune(world);
    expect(await world.visible()).not.toContain(leased);
  }));

it('rules of age are in force again once the clock is set right', () =>
  inWorld(options, async (world) => {
    await spawned(world, 1);
    world.clocks.set(world.clocks.wall + DAY + HOUR);
    await prune(world);
    world.clocks.set(world.clocks.right);
    world.clocks.pass(DAY + 1);
    expect((await prune(world)).pruned).toHaveLength(1);
    expect((await world.ctx.catalog.clockState()).suspended).toBeNull();
    const outcomes = (await world.audit()).filter(({ action }) => action === 'age_rules');
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['suspended', 'in force again']);
  }));

it('rules of age are in force again once an operator vouches for the clock, wherever it is', () =>
  inWorld({ ...options, redisOnHost: false }, async (world) => {
    const [id] = await spawned(world, 1);
    world.clocks.set(world.clocks.wall + DAY + HOUR);
    expect((await prune(world)).pruned).toEqual([]);
    await world.ctx.catalog.confirmClock(world.clocks.wall - world.clocks.redis);
    expect((await prune(world)).pruned).toMatchObject([
      { id, reason: expect.stringContaining('max_age_days') },
    ]);
  }));

it("a clock that is an hour ahead of Redis's suspends rules of age, too, and ends no lease early", () =>
  inWorld({ ...options, redisOnHost: false }, async (world) => {
    const [leased = ''] = await spawned(world, 1, HOUR);
    world.clocks.pass(MINUTE);
    await spawned(world, 3);
    world.clocks.set(world.clocks.wall + HOUR + MINUTE);
    const { sentence, pruned } = await prune(world);
    expect(sentence).toContain("the host's clock is 1h1m ahead of Redis's");
    expect(pruned).toHaveLength(1);
    expect(await world.visible()).toContain(leased);
  }));

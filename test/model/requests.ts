import { spawnInstance } from '../../packages/workers/src/spawner/spawn.ts';
import type { World } from './world.ts';

/** A request for instances, as the gate releases it. */
export interface Request {
  readonly request: string;
  readonly ids: readonly string[];
  readonly leaseMs: number | null;
}

const UNBOUNDED = { bytes: Number.MAX_SAFE_INTEGER, inodes: null, slots: 1_000 };
const EACH = { bytes: 4096, inodes: 3 };

/** Promises a request what it needs, and brings its instances up. */
export async function spawnRequest(world: World, request: Request): Promise<void> {
  const { ctx, clocks } = world;
  const reservation = { request: request.request, fingerprint: '', perInstance: EACH };
  await ctx.catalog.reserve({ ...reservation, count: request.ids.length, at: clocks.wall }, UNBOUNDED, {
    bytes: 0,
    inodes: 0,
  });
  await bringUp(world, request);
}

async function bringUp({ ctx, clocks, spawnJob }: World, { request, ids, leaseMs }: Request): Promise<void> {
  for (const [index, id] of ids.entries()) {
    if ((await ctx.catalog.get(id))?.state === 'ready') continue; // it was settled before the worker was killed
    await spawnInstance(ctx, spawnJob(request, index, leaseMs));
    const at = clocks.wall;
    const sample = { at, allocatedBytes: 4096, apparentBytes: 6, inodes: 3, changedAt: at, ownBytes: 4096 };
    const growth = { bytes: 0, inodes: 0, endsAt: at };
    const { record } = (await ctx.catalog.get(id)) ?? {};
    if (record) await ctx.catalog.recordSample(id, sample, { growth, dueAt: at, seen: record });
  }
}

/** What a spawn job that was cut off left to do is done, and the request has ended well. */
export async function finishRequest(world: World, request: Request): Promise<void> {
  if (await world.ctx.catalog.hasReservation(request.request)) await bringUp(world, request);
  else await spawnRequest(world, request);
  await world.ctx.catalog.settle(request.request);
  world.jobs.set(request.request, 'completed');
}

import { instanceIdOf } from '@spica/core';
import { countInstance, openRequest } from '../../packages/workers/src/gate/load.ts';
import { spawnInstance } from '../../packages/workers/src/spawner/spawn.ts';
import { step } from './crash.ts';
import { admittedJob, type GateJob } from './jobs.ts';
import type { World } from './world.ts';

const PREFIX = 'request-';

/** A request for instances, as the gate releases it. */
export interface Request {
  readonly request: string;
  readonly ids: readonly string[];
  readonly leaseMs: number | null;
}

/** The next request: its id, and those of its instances. */
export function newRequest(world: World, count: number, leaseMs: number | null): Request {
  world.requests += 1;
  const request = `${PREFIX}${world.requests}`;
  const ids = Array.from({ length: count }, (_, index) => instanceIdOf('main', request, index));
  return { request, ids, leaseMs };
}

/** The gate lets a request in, and its job says so. */
export function admitRequest(world: World, { request, ids, leaseMs }: Request): void {
  const number = Number(request.slice(PREFIX.length));
  const asked = { count: ids.length, leaseMs, submittedAt: world.clocks.wall };
  world.jobs.set(request, admittedJob(number, asked));
  for (const id of ids) world.askedFor.set(id, request);
}

/** What its spawn jobs do: all of its instances come up. Those that are up already are left as they are. */
export async function spawnRequest(world: World, { request, ids }: Request): Promise<void> {
  const { ctx, clocks } = world;
  openRequest(ctx.gate, 'main', request, jobOf(world, request).data);
  for (const [index, id] of ids.entries()) {
    if ((await ctx.catalog.get(id))?.state === 'ready') continue; // the request was collected before the worker was killed
    await spawnInstance(ctx, { pool: 'main', request, index });
    const at = clocks.wall;
    const sample = { at, allocatedBytes: 4096, apparentBytes: 6, inodes: 3, changedAt: at, ownBytes: 4096 };
    const record = await ctx.catalog.recordSample(id, sample, at);
    if (record) countInstance(ctx, { record });
  }
}

/** What a spawn job that was cut off left to do is done, and the request has ended well. */
export async function finishRequest(world: World, { request, ...of }: Request): Promise<void> {
  const { catalog } = world.ctx;
  const { isCollected, data } = jobOf(world, request);
  if (!isCollected) await spawnRequest(world, { request, ...of });
  await catalog.completeRequest(request, data.life, of.ids);
  world.jobs.set(request, { ...jobOf(world, request), isCollected: true });
  closeRequest(world, request);
  step(); // BullMQ notes that the job has ended
  world.jobs.set(request, { ...jobOf(world, request), state: 'completed' });
}

/** What came up of it is undone, and it has failed. */
export async function undoRequest(world: World, { request, ids }: Request): Promise<void> {
  const undo = {
    pool: 'main',
    cause: 'undo',
    request,
    count: ids.length,
    reason: 'a sibling failed',
  } as const;
  const { failed } = await world.prune(undo);
  if (failed.length > 0) throw new Error(JSON.stringify(failed));
  closeRequest(world, request);
  step();
  world.jobs.set(request, { ...jobOf(world, request), state: 'failed' });
}

/** It has ended: nothing is reserved for it any more. */
function closeRequest({ ctx: { gate } }: World, request: string): void {
  gate.ledger.giveBack(request);
  gate.requests.delete(request);
}

function jobOf(world: World, request: string): GateJob {
  const job = world.jobs.get(request);
  if (!job) throw new Error(`${request} has no job`);
  return job;
}

import { listRecords } from '@spica/pool';
import { readMirrored } from '../../packages/workers/src/runtime/mirrored.ts';
import type { GateJobs } from './jobs.ts';
import type { Model } from './model.ts';
import type { Operation } from './operation.ts';
import type { World } from './world.ts';

/** What Redis held at a moment: its keys, and the gate's own jobs, which are in it too. */
export interface Dump {
  readonly keys: ReadonlyMap<string, Buffer>;
  readonly jobs: GateJobs;
  readonly acceptedMs: number;
}

/** What protects an instance by its record on disk, or by its lock file. Times are epoch milliseconds. */
export interface Protection {
  readonly pinned: boolean;
  readonly leaseUntil: number;
  readonly usedUntil: number;
}

/** Redis has stepped back, and nobody has compared the disk with it since. */
export interface SteppedBack {
  /** The worker can tell: nothing at all may be deleted. */
  readonly isNoticed: boolean;
  /** It has lost changes that the records on disk have, or all: nothing may be deleted for an hour after the comparison. */
  readonly isLossy: boolean;
  /** What must be protected again when the disk has been compared, by id. */
  readonly kept: ReadonlyMap<string, Protection>;
}

export async function takeDump({ redis, jobs }: World, { time }: Model): Promise<Dump> {
  const keys = await redis.keys('*');
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.dumpBuffer(key);
  const replies = (await pipeline.exec()) ?? [];
  const dumped = keys.map((key, i): [string, Buffer] => [key, replies[i]?.[1] as Buffer]);
  return { keys: new Map(dumped), jobs: new Map(jobs), acceptedMs: time.acceptedMs };
}

/** Redis steps back to what it held so many operations ago, while the disk and the worker go on. */
export async function stepBack(
  world: World,
  model: Model,
  { ago }: Extract<Operation, { do: 'rollback' }>,
): Promise<void> {
  const dump = world.dumps.at(-1 - ago);
  if (!dump) return;
  world.dumps.splice(world.dumps.indexOf(dump) + 1);
  const kept = await protections(world, model);
  await restore(world, dump);
  model.time.stepBack(dump.acceptedMs);
  followJobs(world, model);
  model.steppedBack = { ...(await judge(world)), kept };
}

async function restore(world: World, { keys, jobs }: Dump): Promise<void> {
  const pipeline = world.redis.multi().flushdb();
  for (const [key, value] of keys) pipeline.restore(key, 0, value);
  await pipeline.exec();
  world.jobs = new Map(jobs);
}

/** What stands in the records on disk; what stood there when Redis stepped back before stands there still. */
async function protections({ pool }: World, model: Model): Promise<Map<string, Protection>> {
  const { records } = await listRecords(pool);
  const recordOf = new Map(records.map((record) => [record.id, record]));
  return new Map(
    model.at('pool').map(({ id, usedUntil }): [string, Protection] => {
      const before = model.steppedBack?.kept.get(id);
      const { pin = null, lease = null } = recordOf.get(id) ?? {};
      const leaseUntil = Math.max(lease?.expiresAt ?? 0, before?.leaseUntil ?? 0);
      return [id, { pinned: pin !== null || before?.pinned === true, leaseUntil, usedUntil }];
    }),
  );
}

/** What the worker can tell of it, by what it has seen itself and by what its records say. */
async function judge({ ctx: { catalog, gate, pool } }: World) {
  const isLost = (await catalog.reconciled()) === null;
  const changes = await catalog.changes();
  return {
    isNoticed: isLost || changes < gate.changesSeen,
    isLossy: isLost || changes < (await readMirrored(pool)),
  };
}

/**
 * The gate's jobs are those of then. One whose instances have been deleted since would bring them up a second time:
 * somebody removes it.
 */
function followJobs(world: World, model: Model): void {
  const isGone = (id: string) => (model.instances.get(id)?.place ?? 'pool') !== 'pool';
  model.requests.clear();
  for (const { id: request, ids, leaseMs } of world.openRequests()) {
    if (ids.some(isGone)) world.jobs.delete(request);
    else model.requests.set(request, { ids, leaseMs });
  }
}

import { SCHEDULE_NAMES, type ScheduleName } from '@spica/catalog';
import { formatDuration, nextCronTime } from '@spica/core';
import type { PrunePayload, SamplePayload } from '@spica/queues';
import type { Queue } from 'bullmq';
import type { PoolContext } from '../context.ts';

/** What drifts apart by itself is what others do to the disk: rare, and reported by the next one. */
const RECONCILE_EVERY_MS = 3_600_000;
/** A job may wait for its worker, or for the one before it, so much longer than its schedule says. */
const SLACK_MS = 5_000;

/** One of a pool's repeating jobs, as the config has it now. */
interface Schedule {
  readonly queue: Queue;
  readonly repeat: { readonly every: number } | { readonly pattern: string };
  readonly job: { readonly name: string; readonly data: PrunePayload | SamplePayload };
}

/** How BullMQ knows a schedule. */
const idOf = (name: ScheduleName) => `${name}-schedule`;

function schedulesOf({
  config,
  pool,
  queues,
}: Pick<PoolContext, 'config' | 'pool' | 'queues'>): Record<ScheduleName, Schedule> {
  const { prune } = config;
  return {
    prune: {
      queue: queues.prune,
      repeat: 'everyMs' in prune ? { every: prune.everyMs } : { pattern: prune.pattern },
      job: { name: 'prune', data: { pool: pool.name, cause: 'schedule' } },
    },
    sample: {
      queue: queues.sample,
      repeat: { every: config.sample.everyMs },
      job: { name: 'sample', data: { pool: pool.name, ids: null } },
    },
    reconcile: {
      queue: queues.prune,
      repeat: { every: RECONCILE_EVERY_MS },
      job: { name: 'reconcile', data: { pool: pool.name, cause: 'reconcile' } },
    },
  };
}

/**
 * Puts the repeating jobs of a pool in place as the config has them now. Those that are new begin at once, but for the
 * reconcile: each start has made one.
 */
export async function schedule(
  ctx: Pick<PoolContext, 'clock' | 'config' | 'pool' | 'queues'>,
): Promise<void> {
  const schedules = schedulesOf(ctx);
  for (const name of SCHEDULE_NAMES) {
    const { queue, repeat, job } = schedules[name];
    const begins = name === 'reconcile' ? { startDate: ctx.clock.now() + RECONCILE_EVERY_MS } : {};
    await queue.upsertJobScheduler(idOf(name), { ...repeat, ...begins }, job);
  }
}

/**
 * Compares when each repeating job was last done with its schedule. One that is overdue, and whose next job is not there
 * (somebody removed it, or it was lost), would never be done again: it is put in place anew, and the log says so. One whose
 * job waits or runs is only late.
 *
 * @param since What was due before then is not missed: nobody served the pool. Epoch milliseconds.
 */
export async function mendSchedules(
  ctx: Pick<PoolContext, 'catalog' | 'clock' | 'config' | 'logger' | 'pool' | 'queues'>,
  since: number,
): Promise<void> {
  const runs = await ctx.catalog.lastRuns();
  const now = ctx.clock.now();
  const schedules = schedulesOf(ctx);
  for (const name of SCHEDULE_NAMES) {
    const { queue, repeat, job } = schedules[name];
    const lastAt = Math.max(runs[name] ?? 0, since);
    const dueAt = 'every' in repeat ? lastAt + repeat.every : nextCronTime(repeat.pattern, lastAt);
    const lateMs = now - dueAt - SLACK_MS;
    if (lateMs <= 0 || (await hasNextJob(queue, idOf(name)))) continue;
    const late = formatDuration(Math.ceil(lateMs / 1_000) * 1_000);
    ctx.logger.error(
      { schedule: name, lastAt },
      `the schedule of ${name} has lost its next job, ${late} ago; it goes on`,
    );
    await queue.upsertJobScheduler(idOf(name), repeat, job);
  }
}

async function hasNextJob(queue: Queue, id: string): Promise<boolean> {
  const next = (await queue.getJobScheduler(id))?.next;
  if (next === undefined) return false;
  const job = await queue.getJob(`repeat:${id}:${next}`); // as BullMQ calls it
  return job !== undefined && !(await job.isCompleted()) && !(await job.isFailed());
}

import { EXIT_CODES } from '@spica/core';
import { closeQueues, openQueues, type PrunePayload, type PruneResult } from '@spica/queues';
import { previewPrune } from '@spica/workers';
import { loadConfig } from '../context/config.ts';
import { withPool } from '../context/look.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { parseCount, parseDays } from '../input/numbers.ts';
import type { Invocation } from '../io.ts';
import { type PruneReport, writePrune } from '../output/prune.ts';
import { runServedJob } from '../wait/served-job.ts';

export interface PruneOptions {
  readonly dryRun?: boolean;
  readonly maxInstances?: string;
  readonly maxAgeDays?: string;
}

/** `spica prune`: has the worker apply the retention policy now; with `--dry-run` prints the plan and touches nothing. */
export async function prune(invocation: Invocation<PruneOptions>): Promise<number> {
  const { io, options } = invocation;
  const limits = readLimits(options);
  const report = options.dryRun ? await plan(invocation, limits) : await execute(invocation, limits);
  writePrune(io, report, options.json === true);
  return report.failed.length > 0 ? EXIT_CODES.check : 0;
}

interface Limits {
  readonly maxInstances: number | null;
  readonly maxAgeMs: number | null;
}

function readLimits({ maxInstances, maxAgeDays }: PruneOptions): Limits {
  return {
    maxInstances:
      maxInstances === undefined ? null : parseCount('--max-instances', maxInstances, { least: 0 }),
    maxAgeMs: maxAgeDays === undefined ? null : parseDays('--max-age-days', maxAgeDays),
  };
}

function plan(invocation: Invocation<PruneOptions>, limits: Limits): Promise<PruneReport> {
  return withPool(invocation, async (ctx) => {
    const { plan: planned, digest, strangers } = await previewPrune(ctx, limits);
    return {
      pool: ctx.policy.name,
      dryRun: true,
      digest,
      items: planned.items.map(({ candidate: _, ...item }) => item),
      pruned: planned.deletes.map(({ id, reason, bytes }) => ({ id, reason, bytes })),
      kept: planned.kept,
      skipped: [],
      failed: [],
      strangers,
      reclaimedBytes: planned.frees.bytes,
      trashedBytes: 0,
      sentence: planned.sentence,
    };
  });
}

async function execute({ io, options }: Invocation<PruneOptions>, limits: Limits): Promise<PruneReport> {
  const { config } = await loadConfig(io, options);
  const pool = choosePool(config, options.pool).name;
  return withRedis(config, async (redis) => {
    const queues = openQueues(pool, redis);
    const payload: PrunePayload = { pool, cause: 'operator', ...limits };
    const result = (await runServedJob(queues, 'prune', payload, { io, redis })) as PruneResult;
    await closeQueues(queues);
    return { pool, dryRun: false, ...result };
  });
}

import type { CatalogInstance } from '@spica/catalog';
import {
  type Candidate,
  type Clock,
  type PoolConfig,
  planRetention,
  type RetentionPlan,
  type Verdict,
} from '@spica/core';
import { type Pool, readRecord } from '@spica/pool';
import type { Logger } from 'pino';
import type { ClockGuard } from '../clock/guard.ts';
import { toCandidate } from '../pruner/candidates.ts';
import { policyFor } from '../pruner/plan.ts';
import { lookForUse, protectionOf } from '../pruner/protection.ts';
import { judgeByTraces, lastTraceOf } from './clock.ts';
import { listByRecords, type OnDisk, readDisk } from './instances.ts';

/** Limits for one run; null for the pool's. */
export interface OfflineLimits {
  readonly maxInstances: number | null;
  readonly maxAgeMs: number | null;
}

/** A pool without Redis. */
export interface OfflineContext {
  readonly policy: PoolConfig;
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What Redis says where it can be read, though not written; empty where it cannot. */
  readonly known: ReadonlyMap<string, CatalogInstance>;
  /** An operator vouches for the host's clock. */
  readonly clockConfirmed: boolean;
}

export interface OfflinePlan {
  readonly plan: RetentionPlan;
  readonly strangers: OnDisk['strangers'];
  readonly clockGuard: ClockGuard;
}

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/** Plans from the disk alone, around the same protections as with Redis. Changes nothing. */
export async function planOffline(ctx: OfflineContext, limits: OfflineLimits): Promise<OfflinePlan> {
  const disk = await readDisk(ctx.pool);
  const now = ctx.clock.now();
  const clockGuard = judgeByTraces(now, lastTraceOf(disk.records, disk.trash), {
    confirmed: ctx.clockConfirmed,
  });
  const instances = listByRecords(disk, { known: ctx.known, now: clockGuard.now() });
  const candidates = instances.flatMap((instance) =>
    instance.state === 'deleting' ? [] : [toCandidate(instance, clockGuard.now())],
  );
  const policy = policyFor(ctx, { pool: ctx.pool.name, cause: 'operator', ...limits });
  const ageRulesSuspended = await clockGuard.suspended();
  const demand = { policy, now, ageRulesSuspended, reservedSlots: 0, need: NOTHING, shortfall: NOTHING };
  const used = new Map<string, Verdict>();
  for (;;) {
    const plan = planRetention({ ...demand, instances: candidates.map((each) => protect(each, used)) });
    const found = await lookForUse({ ...ctx, clockGuard }, plan.deletes);
    if (found.size === 0) return { plan, strangers: disk.strangers, clockGuard };
    for (const [id, verdict] of found) used.set(id, verdict);
  }
}

function protect(candidate: Candidate, used: ReadonlyMap<string, Verdict>): Candidate {
  const verdict = used.get(candidate.id);
  return verdict ? { ...candidate, protectedBy: verdict } : candidate;
}

/** What keeps an instance now, looked at once more right before it goes; null where nothing does. */
export async function protectionNow(
  ctx: OfflineContext,
  id: string,
  clockGuard: ClockGuard,
): Promise<{ readonly kept: string } | { readonly instance: CatalogInstance }> {
  const record = await readRecord(ctx.pool, id);
  if (!record) return { kept: 'its record is gone' };
  const instance = ctx.known.get(id) ?? { record, state: 'ready' as const, request: null };
  const verdict =
    protectionOf({ ...instance, record }, clockGuard.now()) ?? protectionOf(instance, clockGuard.now());
  return verdict ? { kept: verdict.reason } : { instance };
}

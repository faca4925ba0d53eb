import {
  type Candidate,
  describePolicy,
  planRetention,
  type RetentionPlan,
  type RetentionPolicy,
  retentionPolicyOf,
  tallyRules,
  type Verdict,
} from '@spica/core';
import { type Pool, readImageHost } from '@spica/pool';
import type { WhatIfLimits, WhatIfPlan } from '@spica/queues';
import { beingCollected } from '../collector/results.ts';
import type { ServedContext } from '../context.ts';
import { servedCandidates } from './candidates.ts';
import { asOperatorSees } from './plan.ts';
import { findUses, type Use } from './protection.ts';
import { reportPlan } from './report.ts';

/** Who moves a limit asks again and again: what there is, and who uses it, is looked at for all of them once in so long. */
const FRESH_MS = 10_000;
/** So many of those that stay are listed: the rest is counted. */
const MOST_KEPT = 200;

const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/** What there is to plan with, as it was a moment ago. */
interface Stand {
  /** When all of it was there: in a large pool the reading takes as long as it is to serve. */
  readonly readAt: number;
  readonly candidates: readonly Candidate[];
  /** What a look has shown to be in use, or not (null), as far as plans wanted to delete it. */
  readonly used: Map<string, Verdict | null>;
  unseen: Use['unseen'];
}

const stands = new WeakMap<Pool, Promise<Stand>>();

/**
 * What a prune would do under other limits. Pure but for looks: nothing is sealed, noted or changed. The candidates are those
 * of a plan, with what is known of unsaved work from the last plan that looked; lock files and processes are looked for.
 */
export async function planWhatIf(ctx: ServedContext, limits: WhatIfLimits): Promise<WhatIfPlan> {
  const [stand, disk] = await Promise.all([readStand(ctx), readFree(ctx, limits)]);
  const policy = policyUnder(limits, retentionPolicyOf(ctx.policy.retention));
  const demand = {
    policy,
    now: ctx.clock.now(),
    leaseNow: ctx.clockGuard.now(),
    ageRulesSuspended: await ctx.clockGuard.suspended(),
    reservedSlots: ctx.gate.ledger.sums(ctx.clockGuard.now()).reserved.slots,
    need: NOTHING,
    shortfall: { ...NOTHING, bytes: disk.shortBytes },
    missingFor: 'floor' as const,
    share: ctx.gate.share,
  };
  for (;;) {
    const plan = planRetention({
      ...demand,
      instances: stand.candidates.map((each) => protect(each, stand)),
    });
    const unknown = plan.deletes.filter(({ id }) => !stand.used.has(id));
    if (unknown.length === 0) return toWhatIf(ctx, { plan, policy, stand, disk });
    const found = await findUses(ctx, unknown, { processesMaxAgeMs: FRESH_MS });
    stand.unseen = found.unseen ?? stand.unseen;
    for (const { id } of unknown) stand.used.set(id, found.verdicts.get(id) ?? null);
  }
}

function policyUnder(limits: WhatIfLimits, policy: RetentionPolicy): RetentionPolicy {
  const { maxInstances, maxAgeMs, keepBest } = limits;
  return {
    ...policy,
    maxInstances: maxInstances ?? policy.maxInstances,
    maxAgeMs: maxAgeMs ?? policy.maxAgeMs,
    keepBest: keepBest ?? policy.keepBest,
  };
}

function protect(candidate: Candidate, { used }: Stand): Candidate {
  const verdict = candidate.protectedBy === null ? used.get(candidate.id) : null;
  return verdict ? { ...candidate, protectedBy: verdict } : candidate;
}

function readStand(ctx: ServedContext): Promise<Stand> {
  const reading = (stands.get(ctx.pool) ?? Promise.resolve(null)).then(async (last) => {
    if (last && performance.now() - last.readAt < FRESH_MS) return last;
    const candidates = await readAll(ctx);
    return { readAt: performance.now(), candidates, used: new Map(beingCollected(ctx)), unseen: null };
  });
  stands.set(ctx.pool, reading);
  const forget = () => {
    if (stands.get(ctx.pool) === reading) stands.delete(ctx.pool);
  };
  reading.catch(forget);
  setTimeout(forget, FRESH_MS).unref(); // 100,000 candidates take tens of megabytes
  return reading;
}

/** As an operator's plan sees them; unsaved work counts as far as a plan has looked for it. */
async function readAll(ctx: ServedContext): Promise<Candidate[]> {
  const { protectUnsavedWork } = ctx.policy.retention;
  const found = await servedCandidates(ctx, { keepsUnsaved: protectUnsavedWork });
  return Array.from(found, asOperatorSees);
}

/** What is free on the disk that the floor is of, and what is missing of what is asked for. */
interface Free {
  readonly availableBytes: number;
  readonly floorBytes: number;
  readonly shortBytes: number;
}

async function readFree(ctx: ServedContext, { minFreeBytes }: WhatIfLimits): Promise<Free> {
  const host = ctx.image && (await readImageHost(ctx.pool.paths.root));
  const { availableBytes } = host ? host.space : await ctx.gauge.read({ maxAgeMs: 1_000 });
  const ownFloor = host ? ctx.gate.facts?.minFreeBytes : ctx.gate.floorBytes;
  const floorBytes = minFreeBytes ?? ownFloor ?? 0;
  const shortBytes = minFreeBytes === null ? 0 : Math.max(0, Math.ceil(minFreeBytes - availableBytes));
  return { availableBytes, floorBytes, shortBytes };
}

function toWhatIf(
  ctx: ServedContext,
  found: {
    readonly plan: RetentionPlan;
    readonly policy: RetentionPolicy;
    readonly stand: Stand;
    readonly disk: Free;
  },
): WhatIfPlan {
  const { plan, policy, stand, disk } = found;
  const { unseen } = stand;
  const kept = plan.items.filter(({ action }) => action === 'keep').slice(0, MOST_KEPT);
  const shown = { ...plan, items: [...plan.deletes, ...kept], unseen };
  const what = { plan: shown, unknownDirectories: [], offline: false, ids: [] };
  return {
    ...reportPlan(ctx.pool.name, { ...what, digest: null }),
    ...tallyRules(plan.items),
    policy: describePolicy(policy),
    sufficient: plan.sufficient,
    availableBytes: disk.availableBytes + plan.frees.bytes,
    floorBytes: disk.floorBytes,
  };
}

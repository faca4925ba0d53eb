import { type Candidate, ownBytes, type PoolConfig } from '@spica/core';
import type { PoolContext } from '../context.ts';

const DAY_MS = 86_400_000;

/** A pool's retention policy as the planner takes it. */
export function policyLimits(policy: PoolConfig) {
  return { maxInstances: policy.retention.maxInstances, maxAgeMs: policy.retention.maxAgeDays * DAY_MS };
}

/** The catalog's instances as candidates for retention, with what protects them. */
export async function loadCandidates(ctx: PoolContext): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for await (const { record, state, request } of ctx.catalog.list()) {
    if (state === 'deleting') continue; // on its way out: no decision about it is left to make
    candidates.push({
      id: record.id,
      spawnedAt: record.spawnedAt,
      bytes: ownBytes(record),
      inodes: record.sample && record.cloneMethod !== 'snapshot' ? record.sample.inodes : null,
      protectedBy:
        state === 'in-flight' ? { rule: 'in-flight', reason: `request ${request} has not ended yet` } : null,
    });
  }
  return candidates;
}

import type { CatalogInstance } from '@spica/catalog';
import {
  type Candidate,
  CheckError,
  type InstanceRecord,
  isoTime,
  leaseInForce,
  type Verdict,
} from '@spica/core';
import { findLiveUses, type LiveUses, lockFileUntil, type Pool } from '@spica/pool';
import pMap from 'p-map';
import type { PoolContext } from '../context.ts';

/** So many lock files are looked for at once. */
const LANES = 8;

/** What the catalog says that keeps an instance, whatever the policy says. */
export function protectionOf({ record, state, request }: CatalogInstance, now: number): Verdict | null {
  if (state === 'in-flight') return { rule: 'in-flight', reason: `request ${request} has not ended yet` };
  return pinVerdict(record) ?? leaseVerdict(record, now);
}

function pinVerdict({ pin }: InstanceRecord): Verdict | null {
  return pin && { rule: 'pinned', reason: `pinned by ${pin.by}: ${pin.why}` };
}

function leaseVerdict(record: InstanceRecord, now: number): Verdict | null {
  const lease = leaseInForce(record, now);
  return (
    lease && {
      rule: 'leased',
      reason: `leased by ${lease.owner} until ${isoTime(lease.expiresAt)}`,
    }
  );
}

/**
 * What the disk and the processes say that keeps instances: lock files and live use. Only for those that a plan wants to
 * delete, since it takes a look at each. `processesMaxAgeMs`: a look through the processes that is at most so old will do,
 * for a plan that is checked again before anything goes.
 */
export async function findUses(
  ctx: Pick<PoolContext, 'pool' | 'policy' | 'clockGuard' | 'logger'>,
  candidates: readonly Pick<Candidate, 'id'>[],
  { processesMaxAgeMs = 0 } = {},
): Promise<Map<string, Verdict>> {
  const found = new Map<string, Verdict>();
  if (candidates.length === 0) return found;
  const now = ctx.clockGuard.now();
  const findUseOf = async ({ id }: Pick<Candidate, 'id'>) => {
    const reason = await sayLocked(ctx.pool, id, now);
    if (reason) found.set(id, { rule: 'lock-file', reason });
  };
  await pMap(candidates, findUseOf, { concurrency: LANES });
  if (!ctx.policy.retention.protectLiveProcesses) return found;
  const { byInstance, unreadable } = await readLiveUses(ctx.pool, processesMaxAgeMs);
  if (unreadable > 0) ctx.logger.debug({ unreadable }, 'processes of other users could not be looked into');
  for (const { id } of candidates) {
    const use = byInstance.get(id);
    if (use)
      found.set(id, { rule: 'live-process', reason: `process ${use.pid} (${use.command}) ${use.how}` });
  }
  return found;
}

const lastScans = new WeakMap<Pool, { readonly begun: number; readonly uses: Promise<LiveUses> }>();

/** To look through all processes of a busy host takes a while, and whoever is held asks for a plan at every wake-up. */
function readLiveUses(pool: Pool, maxAgeMs: number): Promise<LiveUses> {
  const last = lastScans.get(pool);
  const begun = performance.now();
  if (last && begun - last.begun < maxAgeMs) return last.uses;
  const uses = findLiveUses(pool);
  lastScans.set(pool, { begun, uses });
  uses.catch(() => lastScans.delete(pool));
  return uses;
}

/** Why a lock file keeps it; null where none does. */
export async function sayLocked(pool: Pool, id: string, now: number): Promise<string | null> {
  try {
    const until = await lockFileUntil(pool, id);
    if (until === null || until <= now) return null;
    return `its .tournament_lock protects it until ${isoTime(until)}`;
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return error.message; // unknown means keep
  }
}

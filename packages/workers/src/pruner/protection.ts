import { type Candidate, CheckError, isoTime, type Verdict } from '@spica/core';
import {
  describeUse,
  findLiveUses,
  type LiveUses,
  type Pool,
  readLockFile,
  type Unseen,
  unseenOf,
} from '@spica/pool';
import pMap from 'p-map';
import type { PoolContext } from '../context.ts';

/** So many lock files are looked for at once. */
const LANES = 8;

/** What a look for use has found, and what it could not see. */
export interface Use {
  /** By instance: what keeps it. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Null where nothing was hidden, or nobody had to look. */
  readonly unseen: Unseen | null;
}

/** What looking for use takes. */
type UseContext = Pick<PoolContext, 'pool' | 'policy' | 'clockGuard' | 'logger'>;

/**
 * What the disk and the processes say that keeps instances: lock files and live use. Only for those that a plan wants to
 * delete, since it takes a look at each. `processesMaxAgeMs`: a look through the processes that is at most so old will do,
 * for a plan that is checked again before anything goes.
 */
export async function findUses(
  ctx: UseContext,
  candidates: readonly Pick<Candidate, 'id'>[],
  { processesMaxAgeMs = 0 } = {},
): Promise<Use> {
  const verdicts = new Map<string, Verdict>();
  if (candidates.length === 0) return { verdicts, unseen: null };
  const findUseOf = async ({ id }: Pick<Candidate, 'id'>) => {
    const reason = await sayLocked(ctx, id);
    if (reason) verdicts.set(id, { rule: 'lock-file', reason });
  };
  await pMap(candidates, findUseOf, { concurrency: LANES });
  const { protectLiveProcesses, protectWhenUnknown } = ctx.policy.retention;
  if (!protectLiveProcesses) return { verdicts, unseen: null };
  const uses = await readLiveUses(ctx.pool, processesMaxAgeMs);
  const unseen = unseenOf(uses);
  for (const { id } of candidates) {
    const use = uses.byInstance.get(id);
    if (use) verdicts.set(id, { rule: 'live-process', reason: describeUse(use) });
    else if (unseen && protectWhenUnknown && !verdicts.has(id)) verdicts.set(id, mayBeUsed(unseen));
  }
  return { verdicts, unseen };
}

function mayBeUsed({ sentence }: Unseen): Verdict {
  return {
    rule: 'unseen-processes',
    reason: `${sentence}, and protect_when_unknown keeps what they may use`,
  };
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

/** Lock files of which was said that their times are not to be believed, by pool. */
const doubted = new WeakMap<Pool, Set<string>>();

/** Why a lock file keeps an instance; null where none does. */
export async function sayLocked(
  { pool, clockGuard, logger }: UseContext,
  id: string,
): Promise<string | null> {
  const now = clockGuard.now();
  try {
    const lock = await readLockFile(pool, id, now);
    if (lock === null || lock.until <= now) return null;
    const until = isoTime(lock.until);
    const reason = `its .tournament_lock protects it until ${until}`;
    if (lock.doubt === null) return reason;
    const said = doubted.get(pool) ?? new Set();
    if (!said.has(id)) logger.warn({ instance: id, until }, `.tournament_lock: ${lock.doubt}`);
    doubted.set(pool, said.add(id));
    return `${reason} (${lock.doubt})`;
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return error.message; // unknown means keep
  }
}

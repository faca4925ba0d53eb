import type { CatalogInstance } from '@spica/catalog';
import {
  type Candidate,
  formatDuration,
  type InstanceRecord,
  isWorkGivenUp,
  UNSAVED,
  unsavedVerdict,
  type Verdict,
} from '@spica/core';
import { findUnsavedWork, type Pool } from '@spica/pool';
import pMap from 'p-map';
import type { PoolContext } from '../context.ts';
import type { Inventory } from './inventory.ts';

/** So many repositories are looked at at once: each keeps a core and the disk busy. */
const LANES = 4;
/** A plan that others wait for looks at no more, and goes on with the others the next time. */
const MOST_LOOKS = 100;
/** Nor does it begin another look after so long: repositories that git takes its whole time for would hold up the gate. */
const MOST_MS = 20_000;
/** What was found serves the plans of those who are held, for so long or so many times as long as it took to find. */
const FRESH_MS = 60_000;
const SHARE = 100;

/** What a look takes; `find` looks at one instance. */
type LookContext = Pick<PoolContext, 'pool' | 'policy'> & { readonly find?: typeof findUnsavedWork };

interface Finding {
  readonly until: number;
  readonly verdict: Verdict | null;
}

/** By pool, and instance. */
const findings = new WeakMap<Pool, Map<string, Finding>>();

function findingsOf(pool: Pool): Map<string, Finding> {
  const known = findings.get(pool) ?? new Map<string, Finding>();
  findings.set(pool, known);
  return known;
}

/**
 * What keeps an instance that has something to lose; null where all is saved, its owner has given it up, or the pool does
 * not protect it. Looks anew.
 */
export async function sayUnsaved(
  { pool, policy, find = findUnsavedWork }: LookContext,
  record: InstanceRecord,
): Promise<Verdict | null> {
  if (!policy.retention.protectUnsavedWork || isWorkGivenUp(record)) return null;
  const begun = performance.now();
  const verdict = unsavedVerdict(await find(pool, record));
  const took = performance.now() - begun;
  findingsOf(pool).set(record.id, { verdict, until: begun + Math.max(FRESH_MS, SHARE * took) });
  return verdict;
}

/** Tells the catalog what was found, for those who list instances. */
export type NoteUnsaved = (id: string, reason: string | null) => Promise<unknown>;

export interface GuardOptions {
  /** Others wait for the plan: what was found a short while ago will do, and not all need to be looked at. */
  readonly isUrgent: boolean;
  readonly note?: NoteUnsaved | undefined;
}

/** Keeps a plan from what would be lost with instances. Each is looked at once, and only if the plan wants to delete it. */
export interface UnsavedGuard {
  /** What keeps a candidate, as far as was looked; null where nothing is known against it. */
  verdictOf(candidate: Candidate): Verdict | null;
  /** Looks at those that the plan wants to delete. Resolves with whether one of them stays. */
  look(wanted: readonly Pick<Candidate, 'id'>[]): Promise<boolean>;
}

const NOT_LOOKED: Verdict = {
  rule: UNSAVED,
  reason: `not looked at yet whether it holds unsaved work: one plan for a request looks at most at ${MOST_LOOKS}, for ${formatDuration(MOST_MS)}`,
};

export function createUnsavedGuard(
  ctx: LookContext & { readonly inventory: Pick<Inventory, 'getMany'> },
  { isUrgent, note }: GuardOptions,
): UnsavedGuard {
  const found = new Map<string, Verdict | null>();
  let looks = 0;
  let isSpent = false;
  const deadline = performance.now() + MOST_MS;

  const find = async (record: InstanceRecord): Promise<Verdict | null> => {
    if (isWorkGivenUp(record)) return null;
    const known = isUrgent ? findingsOf(ctx.pool).get(record.id) : undefined;
    if (known && performance.now() < known.until) return known.verdict;
    if (isUrgent && (looks >= MOST_LOOKS || performance.now() > deadline)) {
      isSpent = true;
      return NOT_LOOKED;
    }
    looks += 1;
    return sayUnsaved(ctx, record);
  };
  const findAndNote = async ({ record, unsaved }: CatalogInstance): Promise<Verdict | null> => {
    const verdict = await find(record);
    const reason = verdict?.reason ?? null;
    if (reason !== unsaved && verdict !== NOT_LOOKED) await note?.(record.id, reason);
    return verdict;
  };

  return {
    verdictOf: ({ id }) => found.get(id) ?? (isSpent && !found.has(id) ? NOT_LOOKED : null),
    async look(wanted) {
      if (!ctx.policy.retention.protectUnsavedWork) return false;
      const ids = wanted.map(({ id }) => id).filter((id) => !found.has(id));
      const instances = await ctx.inventory.getMany(ids);
      const verdicts = await pMap(instances, findAndNote, { concurrency: LANES });
      instances.forEach(({ record }, i) => {
        found.set(record.id, verdicts[i] ?? null);
      });
      return verdicts.some((verdict) => verdict !== null);
    },
  };
}

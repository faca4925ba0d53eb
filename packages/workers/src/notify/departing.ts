import { indexedCandidates, type JudgeTerms, type Row } from '@spica/catalog/list';
import { ageLimitOf, canPlanLazily, type DepartingInstance, departuresOf } from '@spica/core';
import type { ServedContext } from '../context.ts';

const DAY_MS = 86_400_000;
const NOTHING = { bytes: 0, inodes: 0, slots: 0 };

/**
 * Tells of instances that go for their age within a day, each once for the time that it goes at. One whose whole life is
 * shorter than that is not told of: whoever made it so knows. Throws what Redis throws.
 */
export async function tellDeparting(
  ctx: Pick<ServedContext, 'catalog' | 'clock' | 'clockGuard' | 'gate' | 'observe'>,
): Promise<void> {
  const { catalog, clock, clockGuard, gate } = ctx;
  const policy = gate.retention;
  if (policy === null) return;
  const now = clock.now();
  const ageRulesSuspended = await clockGuard.suspended();
  const leaseNow = clockGuard.now();
  const instances = await readOld(ctx, { policy, now, leaseNow });
  const departures = departuresOf({
    ...{ instances, policy, now, leaseNow },
    ...{
      ageRulesSuspended,
      reservedSlots: 0,
      need: NOTHING,
      shortfall: NOTHING,
    },
  });
  const soon = instances.flatMap((row): DepartingInstance[] => {
    const { id, experiment, by } = row;
    const { at = null, rule = '', reason = '' } = departures.get(id) ?? {};
    const isForAge = rule === 'age' || rule === 'ttl';
    if (!isForAge || at === null || at <= now || at - now > DAY_MS) return [];
    if (ageLimitOf(row, policy).limitMs <= DAY_MS) return [];
    return [{ id, experiment, by, goesAt: at, reason }];
  });
  const fresh = new Set(await catalog.noteTold(soon, now));
  const untold = soon.filter(({ id }) => fresh.has(id));
  if (untold.length > 0) ctx.observe({ kind: 'departing', instances: untold });
}

/** Those that may be due within a day: all others are too young, where the policy goes by age alone. */
async function readOld(
  { catalog }: Pick<ServedContext, 'catalog'>,
  { policy, now, leaseNow }: Pick<JudgeTerms, 'policy' | 'now' | 'leaseNow'>,
): Promise<Row[]> {
  const readsAll = !canPlanLazily(policy, await catalog.hasEarly());
  const youngest = readsAll ? Number.POSITIVE_INFINITY : now + DAY_MS - policy.maxAgeMs;
  const found: Row[] = [];
  for (const row of await indexedCandidates(catalog, leaseNow)) {
    if ((row.spawnedAt ?? 0) > youngest) break;
    found.push(row);
  }
  return found;
}

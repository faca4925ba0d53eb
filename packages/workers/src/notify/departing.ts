import type { CatalogInstance } from '@spica/catalog';
import {
  ageLimitOf,
  type Candidate,
  candidateOf,
  canPlanLazily,
  type DepartingInstance,
  departuresOf,
  isWorkGivenUp,
  type RetentionPolicy,
  UNSAVED,
} from '@spica/core';
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
  const instances = await readOld(ctx, policy, now);
  const leaseNow = clockGuard.now();
  const departures = departuresOf({
    ...{ instances: instances.map((each) => withUnsaved(each, leaseNow)), policy, now, leaseNow },
    ...{
      ageRulesSuspended: await clockGuard.suspended(),
      reservedSlots: 0,
      need: NOTHING,
      shortfall: NOTHING,
    },
  });
  const soon = instances.flatMap(({ record }): DepartingInstance[] => {
    const { at = null, rule = '', reason = '' } = departures.get(record.id) ?? {};
    const isForAge = rule === 'age' || rule === 'ttl';
    if (!isForAge || at === null || at <= now || at - now > DAY_MS) return [];
    if (ageLimitOf(record, policy).limitMs <= DAY_MS) return [];
    const { id, experiment, by } = record;
    return [{ id, experiment, by, goesAt: at, reason }];
  });
  const fresh = new Set(await catalog.noteTold(soon, now));
  const untold = soon.filter(({ id }) => fresh.has(id));
  if (untold.length > 0) ctx.observe({ kind: 'departing', instances: untold });
}

/** What holds work that would be lost stays, as far as a plan has found it. */
function withUnsaved(instance: CatalogInstance, leaseNow: number): Candidate {
  const candidate = candidateOf(instance, leaseNow, NOTHING);
  const { unsaved, record } = instance;
  if (unsaved === null || candidate.protectedBy !== null || isWorkGivenUp(record)) return candidate;
  return { ...candidate, protectedBy: { rule: UNSAVED, reason: unsaved } };
}

/** Those that may be due within a day: all others are too young, where the policy goes by age alone. */
async function readOld(
  { catalog }: Pick<ServedContext, 'catalog'>,
  policy: RetentionPolicy,
  now: number,
): Promise<CatalogInstance[]> {
  const readsAll = !canPlanLazily(policy, await catalog.hasEarly());
  const youngest = readsAll ? Number.POSITIVE_INFINITY : now + DAY_MS - policy.maxAgeMs;
  const found: CatalogInstance[] = [];
  for await (const instance of catalog.list()) {
    if ((instance.record.spawnedAt ?? 0) > youngest) break;
    if (instance.state !== 'deleting') found.push(instance);
  }
  return found;
}

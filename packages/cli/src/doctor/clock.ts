import type { Catalog } from '@spica/catalog';
import { type Clock, distrustClock } from '@spica/core';
import { type Finding, ok, warn } from './finding.ts';

/** Does the host's clock agree with Redis's, and are rules of age in force? */
export async function checkClock(pool: string, catalog: Catalog, clock: Clock): Promise<Finding> {
  const { redisNow, acceptedOffsetMs, suspended } = await catalog.clockState();
  const wall = clock.now();
  const distrust =
    distrustClock({ wall, redis: redisNow, acceptedOffsetMs, expectedWall: wall }) ?? suspended;
  const check = `clock of pool ${pool}`;
  if (!distrust) return ok(check, "agrees with Redis's");
  const advice = 'set the clocks right; when this one is, `spica clock --confirm`';
  return warn(check, `${distrust.reason}: rules of age are suspended`, advice);
}

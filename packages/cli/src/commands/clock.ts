import type { ClockState } from '@spica/catalog';
import { formatDuration, systemClock } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { sayClock } from '../output/clock.ts';
import { writeFields, writeJson } from '../output/write.ts';

export interface ClockOptions {
  readonly confirm?: boolean;
}

/**
 * `spica clock`: whether this host's clock is trusted with ages, and how it differs from Redis's. `--confirm` vouches for
 * it as it is: rules of age are in force again, and the difference is taken for normal from now on. Audited.
 */
export async function clock(invocation: Invocation<ClockOptions>): Promise<number> {
  const { io, options } = invocation;
  return withCatalog(invocation, async ({ policy, catalog }) => {
    if (options.confirm) {
      const { redisNow } = await catalog.clockState();
      const now = systemClock.now();
      const offsetMs = now - redisNow;
      await catalog.confirmClock(offsetMs);
      const reason = `${parseWho('--by', undefined)} vouches for the clock, which is ${sayOffset(offsetMs)}`;
      await catalog.leaveNote({ action: 'confirm_clock', reason, at: toIso(now), outcome: 'confirmed' });
    }
    const state = await catalog.clockState();
    const now = systemClock.now();
    if (options.json) writeJson(io.stdout, toJson(policy.name, state, now));
    else {
      writeFields(io.stdout, [
        ['pool', policy.name],
        ['this host', toIso(now)],
        ['Redis', toIso(state.redisNow)],
        ['rules of age', sayClock(state.suspended?.reason ?? null)],
      ]);
    }
    return 0;
  });
}

function toJson(pool: string, state: ClockState, now: number) {
  return {
    pool,
    now: toIso(now),
    redisNow: toIso(state.redisNow),
    offsetMs: now - state.redisNow,
    acceptedOffsetMs: state.acceptedOffsetMs,
    suspended: state.suspended?.reason ?? null,
  };
}

function sayOffset(ms: number): string {
  const size = formatDuration(Math.round(Math.abs(ms) / 1_000) * 1_000);
  return `${size} ${ms >= 0 ? 'ahead of' : 'behind'} Redis's`;
}

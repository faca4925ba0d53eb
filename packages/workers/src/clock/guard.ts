import { randomBytes } from 'node:crypto';
import type { Catalog, ClockState, Suspension } from '@spica/catalog';
import { type Clock, distrustClock } from '@spica/core';

/** Milliseconds of a clock that is never set. */
export type Monotonic = () => number;

/** Says whether the host's clock can be trusted with ages. */
export interface ClockGuard {
  /** Why rules of age are suspended; null when they are in force. Looks at the clocks anew. */
  suspended(): Promise<string | null>;
  /**
   * The time by which leases are judged: the host's clock, or after it was set what it would say had it not been. A clock
   * that is set forward must not end leases.
   */
  now(): number;
}

export interface ClockGuardOptions {
  readonly catalog: Pick<Catalog, 'clockState' | 'suspendAges'>;
  readonly clock: Clock;
  readonly monotonic: Monotonic;
  /** Told when rules of age are suspended (with the reason), and when they are in force again (null). */
  readonly onChange?: (reason: string | null) => Promise<void>;
}

/** Watches a host's clock against Redis's and against the monotonic one, from now on. */
export function createClockGuard({ catalog, clock, monotonic, onChange }: ClockGuardOptions): ClockGuard {
  const id = randomBytes(6).toString('hex');
  let anchor = { wall: clock.now(), monotonic: monotonic() };
  let confirmations: number | null = null;
  let current: Suspension | null = null;

  const expectedWall = () => anchor.wall + monotonic() - anchor.monotonic;

  function judge({ redisNow, suspended, acceptedOffsetMs }: ClockState): Suspension | null {
    const reading = { wall: clock.now(), redis: redisNow, acceptedOffsetMs, expectedWall: expectedWall() };
    const own = distrustClock(reading);
    if (own) return { ...own, by: id };
    // Of a jump that another process saw, this one sees nothing: it stays until somebody vouches for the clock.
    return suspended?.kind === 'jump' && suspended.by !== id ? suspended : null;
  }

  return {
    async suspended() {
      const state = await catalog.clockState();
      if (confirmations !== null && state.confirmations > confirmations) {
        anchor = { wall: clock.now(), monotonic: monotonic() };
      }
      confirmations = state.confirmations;
      const found = judge(state);
      if (found?.reason !== state.suspended?.reason) await catalog.suspendAges(found);
      if ((found === null) !== (current === null)) await onChange?.(found?.reason ?? null);
      current = found;
      return found?.reason ?? null;
    },
    now: () => (current?.kind === 'jump' && current.by === id ? expectedWall() : clock.now()),
  };
}

import { formatDuration } from './units/duration.ts';

/** Two clocks that differ by more than this do not agree. */
const MOST_OFFSET_MS = 5 * 60_000;
/** A clock that moved by more than this against the monotonic one was set. */
const MOST_JUMP_MS = 86_400_000;

/** What the clocks say at one moment, in milliseconds. */
export interface ClockReading {
  /** The host's clock. */
  readonly wall: number;
  /** Redis's clock. */
  readonly redis: number;
  /** How far the host's clock is ahead of Redis's with an operator's consent; 0 without. */
  readonly acceptedOffsetMs: number;
  /** What the host's clock would say had it gone like the monotonic one since it was last trusted. */
  readonly expectedWall: number;
}

/** Why a clock is not trusted: it was set while somebody looked (`jump`), or differs from Redis's (`offset`). */
export interface Distrust {
  readonly kind: 'jump' | 'offset';
  readonly reason: string;
  /** By how much it is ahead of what it ought to say, milliseconds; negative when it is behind. */
  readonly aheadMs: number;
}

/** Why the host's clock cannot be trusted with ages; null where it can. */
export function distrustClock({
  wall,
  redis,
  acceptedOffsetMs,
  expectedWall,
}: ClockReading): Distrust | null {
  const jump = wall - expectedWall;
  if (Math.abs(jump) > MOST_JUMP_MS) {
    const where = jump > 0 ? 'forward' : 'back';
    return {
      kind: 'jump',
      reason: `the host's clock jumped ${where} by ${coarse(jump)} while running`,
      aheadMs: jump,
    };
  }
  const offset = wall - redis;
  if (Math.abs(offset - acceptedOffsetMs) > MOST_OFFSET_MS) {
    const where = offset > 0 ? 'ahead of' : 'behind';
    return {
      kind: 'offset',
      reason: `the host's clock is ${coarse(offset)} ${where} Redis's`,
      aheadMs: offset - acceptedOffsetMs,
    };
  }
  return null;
}

/** Whole seconds: nobody trusts a clock by its milliseconds. */
function coarse(ms: number): string {
  return formatDuration(Math.round(Math.abs(ms) / 1000) * 1000);
}

import { countOf } from '../units/count.ts';
import { formatDuration } from '../units/duration.ts';

/** Instances that were released to be spawned, and when (epoch milliseconds). */
export interface SpawnStart {
  readonly at: number;
  readonly count: number;
}

export type RateAnswer =
  | { readonly verdict: 'within' }
  /** Within the limit again at `at`, if nothing else is spawned until then. */
  | { readonly verdict: 'later'; readonly at: number; readonly reason: string }
  | { readonly verdict: 'never'; readonly reason: string };

const HOUR_MS = 3_600_000;

/** The starts that still count, oldest first: those of the last hour. The others may be forgotten. */
export function recentStarts<Start extends SpawnStart>(starts: readonly Start[], now: number): Start[] {
  return starts
    .map((start) => ({ ...start, at: Math.min(start.at, now) })) // a clock was set back: it counts from now
    .filter(({ at }) => at > now - HOUR_MS)
    .sort((a, b) => a.at - b.at);
}

/** Whether `count` more instances stay within `max_spawns_per_hour`, over a window that slides; null for no limit. */
export function checkRate(input: {
  starts: readonly SpawnStart[];
  count: number;
  most: number | null;
  now: number;
}): RateAnswer {
  const { count, most, now } = input;
  if (most === null) return { verdict: 'within' };
  if (count > most) {
    return {
      verdict: 'never',
      reason: `asks for ${countOf(count, 'instance')}; max_spawns_per_hour is ${most}`,
    };
  }
  const recent = recentStarts(input.starts, now);
  const used = recent.reduce((sum, start) => sum + start.count, 0);
  let excess = used + count - most;
  if (excess <= 0) return { verdict: 'within' };
  let at = now;
  for (const start of recent) {
    if (excess <= 0) break;
    excess -= start.count;
    at = start.at + HOUR_MS;
  }
  const wait = formatDuration(Math.ceil((at - now) / 1_000) * 1_000);
  const reason = `${used} spawned in the last hour + ${count} asked for, max_spawns_per_hour is ${most}: in ${wait}`;
  return { verdict: 'later', at, reason };
}

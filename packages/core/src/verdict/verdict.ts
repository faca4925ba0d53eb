import type { Frees } from '../admission/help.ts';
import type { Amount } from '../admission/space.ts';
import type { Forecast } from '../forecast/forecast.ts';
import type { PressureLevel } from '../pressure/level.ts';
import { formatBytes } from '../units/bytes.ts';
import { countOf } from '../units/count.ts';
import { formatSpan } from '../units/duration.ts';
import { isoTime } from '../units/time.ts';

/** What a pool's state comes to. `unknown`: nobody looks after it, so nobody can tell. */
export type VerdictLevel = 'safe' | 'watch' | 'short' | 'critical' | 'unknown';

export interface PoolVerdict {
  readonly level: VerdictLevel;
  /** Times in it are UTC. */
  readonly sentence: string;
  /** The time that the sentence names, epoch milliseconds; null where it names none. */
  readonly until: number | null;
}

/** What the first of those who wait waits for. */
export interface HeldHead {
  readonly reason: string;
  /** Null where it waits for something else than room. */
  readonly short: {
    /** What is missing. */
    readonly shortfall: Amount;
    /** When by itself enough may go, epoch milliseconds; null where that would not make up for it. */
    readonly frees: (Omit<Frees, 'withinMs'> & { readonly until: number }) | null;
  } | null;
}

export interface VerdictInput {
  /** Epoch milliseconds. */
  readonly now: number;
  /** Whether a worker serves the pool; null where nobody can tell. */
  readonly served: boolean | null;
  /** When the figures were published, epoch milliseconds; null before anybody served the pool. */
  readonly at: number | null;
  /** Null before the first look. */
  readonly disk: { readonly availableBytes: number; readonly floorBytes: number } | null;
  /** The disk that its image lies on and takes more of; null for none. */
  readonly imageHost: { readonly availableBytes: number; readonly floorBytes: number } | null;
  readonly pressure: { readonly level: PressureLevel; readonly reason: string | null } | null;
  readonly forecast: Forecast;
  readonly held: { readonly count: number; readonly head: HeldHead | null };
  /** What else wants to be looked at, each in words; the first one is said. */
  readonly worries: readonly string[];
}

/** A floor that is this near is worth a look. */
const NEAR_MS = 24 * 3_600_000;

/**
 * How a pool stands, in one sentence: whether its disk is safe and for how long, who waits and until when. What is worst is
 * said first; the level is that of the disk, or `short` where requests wait for room on it.
 */
export function verdictOf(input: VerdictInput): PoolVerdict {
  const { served, at, disk, pressure, held, worries, forecast } = input;
  if (at === null) return say('unknown', 'Unknown: nobody has served this pool yet (`spica up` does)');
  if (served === false) {
    const stood = disk ? `; then it had ${sayRoom(input)}` : '';
    return say('unknown', `Unknown since ${sayTime(at, input.now)}: no worker serves this pool${stood}`, at);
  }
  const level = pressure?.level ?? null;
  if (level === 'unwritable') {
    return say(
      'critical',
      `Critical: the disk takes no writes${pressure?.reason ? ` (${pressure.reason})` : ''}`,
    );
  }
  if (disk === null) return say('unknown', 'Unknown: the disk has not been looked at yet');
  const waiting = held.count > 0 ? sayHeld(input) : null;
  const also = waiting ? `; ${lowerFirst(waiting.sentence)}` : '';
  if (level === 'critical') {
    return say('critical', `Critical: ${sayRoom(input)}, spawns are paused${also}`, waiting?.until);
  }
  if (level === 'short') return say('short', `Short: ${sayRoom(input)}${also}`, waiting?.until);
  if (waiting) return waiting;
  const [worry] = worries;
  if (worry !== undefined) return say('watch', `Watch: ${worry}; ${sayRoom(input)}`);
  const isNear = forecast.trend === 'filling' && forecast.untilFloorMs < NEAR_MS;
  if (isNear || level === 'low') return say('watch', `Watch: ${sayRoom(input)}${sayTrend(forecast)}`);
  return say('safe', `Safe: ${sayRoom(input)}${sayTrend(forecast)}`);
}

function say(level: VerdictLevel, sentence: string, until: number | null = null): PoolVerdict {
  return { level, sentence, until };
}

/** Of the two disks of an image that which leaves less. */
function sayRoom({ disk, imageHost }: Pick<VerdictInput, 'disk' | 'imageHost'>): string {
  const own = disk ? disk.availableBytes - disk.floorBytes : 0;
  const below = imageHost ? imageHost.availableBytes - imageHost.floorBytes : Number.POSITIVE_INFINITY;
  const where = below < own ? ' of the disk under its image' : '';
  const bytes = Math.min(own, below);
  return `${formatBytes(Math.abs(bytes))} ${bytes < 0 ? 'below' : 'above'} the floor${where}`;
}

function sayTrend(forecast: Forecast): string {
  if (forecast.trend === 'unknown') return '';
  if (forecast.trend === 'stable') return ', and not filling';
  return `, about ${formatSpan(forecast.untilFloorMs, Math.round)} at this rate`;
}

/** Who waits, for what, and until when. */
function sayHeld({ held: { count, head }, now }: VerdictInput): PoolVerdict {
  const who = `${capitalise(countWord(count))} request${count === 1 ? ' waits' : 's wait'}`;
  if (head === null) return say('watch', who);
  if (head.short === null) return say('watch', `${who}: ${head.reason}`);
  const { shortfall, frees } = head.short;
  const level = shortfall.bytes > 0 || shortfall.inodes > 0 ? 'short' : 'watch';
  const short = `${who}: ${sayShortfall(shortfall)} short`;
  if (frees === null) return say(level, short);
  const { until } = frees;
  return say(level, `${short} until ${sayTime(until, now)}, when ${sayFrees(frees)}`, until);
}

function sayFrees({ count, by }: Pick<Frees, 'count' | 'by'>): string {
  if (by === 'leases') return count === 1 ? 'a lease ends' : `${count} leases end`;
  return count === 1 ? 'an instance is kept no longer' : `${count} instances are kept no longer`;
}

function sayShortfall({ bytes, inodes, slots }: Amount): string {
  if (bytes > 0) return formatBytes(bytes);
  return inodes > 0 ? countOf(inodes, 'inode') : countOf(slots, 'slot');
}

/** `14:40 UTC`, or with its day where that is another. */
function sayTime(at: number, now: number): string {
  const [day = '', time = ''] = isoTime(at).split('T');
  const isToday = isoTime(now).startsWith(day);
  return `${isToday ? '' : `${day} `}${time.slice(0, 5)} UTC`;
}

const WORDS = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];

function countWord(count: number): string {
  return WORDS[count] ?? String(count);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

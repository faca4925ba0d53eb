import type { PoolConfig } from '../config/config.ts';
import { countOf } from '../units/count.ts';
import { formatDuration } from '../units/duration.ts';
import type { RetentionOrder } from './order.ts';

/** The limits that retention keeps a pool within. */
export interface RetentionPolicy {
  readonly maxInstances: number;
  readonly maxAgeMs: number;
  /** Most instances of one experiment; null for no limit of its own. */
  readonly maxPerExperiment: number | null;
  /** So many of each experiment are kept for their scores, whatever the limits say; 0 for none. */
  readonly keepBest: number;
  /** Nothing younger is deleted, whatever the limits say; 0 for no such grace. */
  readonly minAgeMs: number;
  /** Nothing is deleted for so long after its lease ended, unless its owner discarded it; 0 for no such grace. */
  readonly keepAfterLeaseMs: number;
  readonly order: RetentionOrder;
  /** Absent where it can be seen which processes use an instance. */
  readonly blind?: Blind | undefined;
}

/** Nobody can see which processes use an instance, as from within a container: silence then says nothing. */
export interface Blind {
  /** Why, in words. */
  readonly why: string;
  /** What was leased is kept for so long after its lease. */
  readonly keepMs: number;
}

const DAY_MS = 86_400_000;

/**
 * A pool's `retention:` settings as the planner takes them.
 *
 * @param whyBlind Why nobody can see which processes use its instances; null where that can be seen.
 */
export function retentionPolicyOf(
  retention: PoolConfig['retention'],
  whyBlind: string | null = null,
): RetentionPolicy {
  const { maxAgeDays, maxInstances, maxPerExperiment, keepBest, minAgeMs, keepAfterLeaseMs, order } =
    retention;
  const maxAgeMs = maxAgeDays * DAY_MS;
  const limits = { maxInstances, maxAgeMs, maxPerExperiment, keepBest, minAgeMs, keepAfterLeaseMs, order };
  // Where nobody is to look, nobody misses anything.
  if (whyBlind === null || !retention.protectLiveProcesses) return limits;
  return { ...limits, blind: { why: whyBlind, keepMs: retention.blindKeepMs } };
}

/** A policy as a sentence, for `spica config` and for each plan. */
export function describePolicy(policy: RetentionPolicy): string {
  const { maxInstances, maxAgeMs, maxPerExperiment, keepBest, minAgeMs, order } = policy;
  const ofExperiment = maxPerExperiment === null ? '' : ` (${maxPerExperiment} of an experiment)`;
  const limits = [
    `at most ${countOf(maxInstances, 'instance')}${ofExperiment}`,
    `none older than ${describeAgeLimit(maxAgeMs)}`,
    `${nameOrder(order)} first`,
  ];
  const exceptions = [
    keepBest > 0 ? `the best${keepBest > 1 ? ` ${keepBest}` : ''} of each experiment` : '',
    minAgeMs > 0 ? `whatever is younger than ${formatDuration(minAgeMs)}` : '',
  ].filter(Boolean);
  return limits.join(', ') + (exceptions.length > 0 ? `, except ${exceptions.join(' and ')}` : '');
}

/** Milliseconds → days, as `max_age_days` has them. */
export function inDays(ms: number): number {
  return Number((ms / DAY_MS).toPrecision(12));
}

/** A limit of age for people: `3 days`, or a duration where that many days would have to be rounded (`25s920ms`). */
function describeAgeLimit(ms: number): string {
  const days = inDays(ms);
  return Number(days.toFixed(3)) === days ? countOf(days, 'day') : formatDuration(ms);
}

/** An order in words: `least recently leased`. */
export function nameOrder(order: RetentionOrder): string {
  return order.replaceAll('_', ' ');
}

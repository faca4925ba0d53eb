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
  readonly order: RetentionOrder;
}

const DAY_MS = 86_400_000;

/** A pool's `retention:` settings as the planner takes them. */
export function retentionPolicyOf(retention: PoolConfig['retention']): RetentionPolicy {
  const { maxInstances, maxAgeDays, maxPerExperiment, keepBest, minAgeMs, order } = retention;
  return { maxInstances, maxAgeMs: maxAgeDays * DAY_MS, maxPerExperiment, keepBest, minAgeMs, order };
}

/** A policy as a sentence, for `spica config` and for each plan. */
export function describePolicy(policy: RetentionPolicy): string {
  const { maxInstances, maxAgeMs, maxPerExperiment, keepBest, minAgeMs, order } = policy;
  const ofExperiment = maxPerExperiment === null ? '' : ` (${maxPerExperiment} of an experiment)`;
  const limits = [
    `at most ${countOf(maxInstances, 'instance')}${ofExperiment}`,
    `none older than ${countOf(inDays(maxAgeMs), 'day')}`,
    `${nameOrder(order)} first`,
  ];
  const exceptions = [
    keepBest > 0 ? `the best${keepBest > 1 ? ` ${keepBest}` : ''} of each experiment` : '',
    minAgeMs > 0 ? `whatever is younger than ${formatDuration(minAgeMs)}` : '',
  ].filter(Boolean);
  return limits.join(', ') + (exceptions.length > 0 ? `, except ${exceptions.join(' and ')}` : '');
}

/** Milliseconds → days, for people. */
export function inDays(ms: number): number {
  return Number((ms / DAY_MS).toFixed(3));
}

/** An order in words: `least recently leased`. */
export function nameOrder(order: RetentionOrder): string {
  return order.replaceAll('_', ' ');
}

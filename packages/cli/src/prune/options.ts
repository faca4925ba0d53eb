import { UsageError } from '@spica/core';
import { parseCount, parseDays } from '../input/numbers.ts';

export interface PruneOptions {
  readonly dryRun?: boolean;
  readonly maxInstances?: string;
  readonly maxAgeDays?: string;
  readonly plan?: string;
  readonly yes?: boolean;
  readonly offline?: boolean;
  readonly confirmClock?: boolean;
}

/** Limits for this run; null for the pool's. */
export interface Limits {
  readonly maxInstances: number | null;
  readonly maxAgeMs: number | null;
}

/** Reads the limits. Throws UsageError FLAG_INVALID. */
export function readLimits({ maxInstances, maxAgeDays }: PruneOptions): Limits {
  return {
    maxInstances:
      maxInstances === undefined ? null : parseCount('--max-instances', maxInstances, { least: 0 }),
    maxAgeMs: maxAgeDays === undefined ? null : parseDays('--max-age-days', maxAgeDays),
  };
}

/** Refuses flags that contradict each other. Throws UsageError FLAG_CONFLICT. */
export function checkFlags(options: PruneOptions): void {
  const { plan, dryRun, offline, maxInstances, maxAgeDays, confirmClock } = options;
  if (plan !== undefined) {
    const others = { 'dry-run': dryRun, offline, 'max-instances': maxInstances, 'max-age-days': maxAgeDays };
    const given = Object.entries(others).flatMap(([flag, value]) =>
      value === undefined ? [] : [`--${flag}`],
    );
    if (given.length > 0)
      throw conflict('--plan', `expected without ${given.join(', ')}: a sealed plan says it all`);
  }
  if (confirmClock && !offline) {
    throw conflict('--confirm-clock', 'expected with --offline (with Redis, use `spica clock --confirm`)');
  }
}

function conflict(flag: string, expected: string): UsageError {
  return new UsageError('FLAG_CONFLICT', `${flag}: ${expected}`, { flag });
}

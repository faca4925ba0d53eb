import { UsageError } from '@spica/core';
import { MOST_CHOSEN } from '@spica/queues';
import { parseInstanceIds } from '../input/each.ts';
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
  /** Just these instances, whatever the limits say. */
  readonly ids?: string[];
}

/** Reads the limits. Throws UsageError FLAG_INVALID, ID_INVALID. */
export function readLimits({ maxInstances, maxAgeDays }: PruneOptions, args: readonly string[]): Limits {
  return {
    ...(args.length > 0 && { ids: readChosen(args) }),
    maxInstances:
      maxInstances === undefined ? null : parseCount('--max-instances', maxInstances, { least: 0 }),
    maxAgeMs: maxAgeDays === undefined ? null : parseDays('--max-age-days', maxAgeDays),
  };
}

function readChosen(args: readonly string[]): string[] {
  const ids = parseInstanceIds(args);
  if (ids.length <= MOST_CHOSEN) return ids;
  throw new UsageError('ID_INVALID', `id: expected at most ${MOST_CHOSEN} instances, got ${ids.length}`);
}

/** Refuses flags that contradict each other. Throws UsageError FLAG_CONFLICT. */
export function checkFlags(options: PruneOptions, ids: readonly string[]): void {
  const { plan, dryRun, offline, maxInstances, maxAgeDays, confirmClock } = options;
  if (ids.length > 0) {
    const others = { plan, 'max-instances': maxInstances, 'max-age-days': maxAgeDays };
    const [given] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
    if (given !== undefined) throw conflict(`--${given}`, 'expected without ids: just these are deleted');
  }
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

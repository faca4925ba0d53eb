import type { PoolView } from '../../api/views.ts';
import type { QueryChanges } from '../../router/url.ts';

/** The limits that can be tried out, as a person moves them; null for what the pool has. */
export interface Limits {
  readonly maxInstances: number | null;
  readonly maxAgeDays: number | null;
  readonly keepBest: number | null;
  readonly minFreeGb: number | null;
}

export type LimitName = keyof Limits;

/** What a limit is called here and in spica.yaml, and how it is moved. */
export interface LimitKind {
  readonly name: LimitName;
  readonly label: string;
  readonly unit: string;
  /** Its key in spica.yaml. */
  readonly key: string;
  readonly step: number;
}

export const LIMITS: readonly LimitKind[] = [
  { name: 'maxInstances', label: 'Instances, at most', unit: '', key: 'retention.max_instances', step: 1 },
  { name: 'maxAgeDays', label: 'Age, at most', unit: 'days', key: 'retention.max_age_days', step: 0.25 },
  {
    name: 'keepBest',
    label: 'Best of each experiment, kept',
    unit: '',
    key: 'retention.keep_best',
    step: 1,
  },
  { name: 'minFreeGb', label: 'Free space, at least', unit: 'GB', key: 'disk.min_free_space_gb', step: 1 },
];

const DAY_MS = 86_400_000;

/** What the pool has now; null where nobody has served it yet. */
export function limitsInForce(policy: PoolView['policy']): Limits | null {
  if (policy === null) return null;
  const { maxInstances, maxAgeMs, keepBest, minFreeBytes } = policy;
  return {
    maxInstances,
    maxAgeDays: maxAgeMs === null ? null : maxAgeMs / DAY_MS,
    keepBest,
    minFreeGb: minFreeBytes / 1e9,
  };
}

/** What a URL tries out; what is no number from 0 on is left out. */
export function readLimits(query: URLSearchParams): Limits {
  const read = (name: LimitName, isWhole: boolean) => {
    const text = query.get(name) ?? '';
    return (isWhole ? /^\d{1,9}$/ : /^\d{1,9}(?:\.\d+)?$/).test(text) ? Number(text) : null;
  };
  return {
    maxInstances: read('maxInstances', true),
    maxAgeDays: read('maxAgeDays', false),
    keepBest: read('keepBest', true),
    minFreeGb: read('minFreeGb', false),
  };
}

/** What to change of the URL to try a limit out; where the pool has it already, nothing is tried out. */
export function tryLimit(name: LimitName, value: number | null, inForce: Limits | null): QueryChanges {
  return { [name]: value === null || value === inForce?.[name] ? null : String(value) };
}

export function withoutLimits(): QueryChanges {
  return Object.fromEntries(LIMITS.map(({ name }) => [name, null]));
}

export function isTriedOut(limits: Limits): boolean {
  return LIMITS.some(({ name }) => limits[name] !== null);
}

/** The same as `whatIf` of `POST /v1/plans`. */
export function toWhatIf({ maxInstances, maxAgeDays, keepBest, minFreeGb }: Limits): object {
  return {
    ...(maxInstances === null ? {} : { maxInstances }),
    ...(maxAgeDays === null ? {} : { maxAge: Math.round(maxAgeDays * DAY_MS) }),
    ...(keepBest === null ? {} : { keepBest }),
    ...(minFreeGb === null ? {} : { minFreeGb }),
  };
}

/** What to write into spica.yaml for these limits to hold. */
export function toYaml(limits: Limits): string {
  const blocks = new Map<string, string[]>();
  for (const { name, key } of LIMITS) {
    const [block = '', setting = ''] = key.split('.');
    if (limits[name] !== null)
      blocks.set(block, [...(blocks.get(block) ?? []), `  ${setting}: ${limits[name]}`]);
  }
  return [...blocks].flatMap(([block, lines]) => [`${block}:`, ...lines]).join('\n');
}

/** How far a slider reaches for what is there: twice as far as what is in force, or what is tried out. */
export function reachOf(inForce: number | null, tried: number | null, least: number): number {
  return Math.max(least, 2 * (inForce ?? 0), tried ?? 0);
}

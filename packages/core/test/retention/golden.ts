import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Candidate,
  parseDuration,
  planRetention,
  type RetentionInput,
  type RetentionPlan,
  resolveConfig,
  retentionPolicyOf,
} from '../../src/index.ts';

const DIRECTORY = join(import.meta.dirname, 'testdata');
const NOW = Date.parse('2026-11-24T12:00:00Z');

/** An instance as a golden file writes it: times ago as durations; what is left out is null. */
interface GoldenInstance {
  readonly id: string;
  readonly age: string | null;
  readonly experiment?: string;
  readonly ttl?: string;
  readonly score?: number;
  readonly leased?: string;
  /** How long ago its last lease ended. */
  readonly used?: string;
  readonly discarded?: true;
  readonly grows_gb?: number;
  readonly gb?: number;
  readonly inodes?: number;
  readonly protected?: string;
}

export interface Golden {
  readonly about: string;
  /** As in `spica.yaml`. */
  readonly retention: Readonly<Record<string, unknown>>;
  readonly reserved?: number;
  /** A request's slots, and what is missing for it. */
  readonly request?: {
    readonly slots: number;
    readonly missing_gb?: number;
    readonly missing_inodes?: number;
  };
  readonly clock?: string;
  /** Why nobody can see who uses an instance. */
  readonly blind?: string;
  /** The part of their bytes that deletions are expected to bring. */
  readonly share?: number;
  readonly limit?: number;
  readonly instances: readonly GoldenInstance[];
  readonly plan: ReturnType<typeof writePlan>;
}

/** The names of all golden files. */
export function goldenNames(): string[] {
  return readdirSync(DIRECTORY)
    .map((file) => file.replace(/\.json$/, ''))
    .sort();
}

export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(join(DIRECTORY, `${name}.json`), 'utf8')) as Golden;
}

/** Writes the file with a line for each instance and each item, so that a change of behaviour is a short diff. */
export function writeGolden(name: string, golden: Golden): void {
  const text = `${block(golden, 0)}\n`;
  writeFileSync(join(DIRECTORY, `${name}.json`), text);
}

/** A golden file's input as the planner takes it. Its policy goes the way of `spica.yaml`. */
function toInput(golden: Golden): RetentionInput {
  const { retention, reserved = 0, request = { slots: 0 }, clock, share, limit, blind, instances } = golden;
  const flags = Object.fromEntries(
    Object.entries(retention).map(([key, value]) => [`pools.main.retention.${key}`, value]),
  );
  const { config } = resolveConfig({ file: null, env: {}, flags, cwd: '/', home: '/' });
  const pool = Object.values(config.pools)[0];
  if (!pool) throw new TypeError('a config without a pool');
  const shortfall = {
    bytes: (request.missing_gb ?? 0) * 1e9,
    inodes: request.missing_inodes ?? 0,
    slots: request.slots,
  };
  return {
    instances: instances.map(toCandidate),
    policy: retentionPolicyOf(pool.retention, blind),
    now: NOW,
    leaseNow: NOW,
    ageRulesSuspended: clock ?? null,
    reservedSlots: reserved,
    need: shortfall,
    shortfall,
    ...(limit === undefined ? {} : { limit }),
    ...(share === undefined ? {} : { share }),
  };
}

/** What a golden file says of the plan for its input. */
export function planGolden(golden: Golden) {
  return writePlan(planRetention(toInput(golden)));
}

function writePlan({ items, sufficient, blockedBy, sentence }: RetentionPlan) {
  return {
    sentence,
    sufficient,
    blockedBy: blockedBy.map(({ id }) => id),
    items: items.map(({ id, action, rule, reason }) => ({ id, action, rule, reason })),
  };
}

function toCandidate(golden: GoldenInstance): Candidate {
  const { id, age, experiment, ttl, score, leased, used, gb, inodes, protected: held } = golden;
  const [, rule, reason] = held?.match(/^(.*?): (.*)$/) ?? [];
  return {
    id,
    experiment: experiment ?? null,
    spawnedAt: age === null ? null : NOW - ms(age),
    ttlMs: ttl === undefined ? null : ms(ttl),
    score: score ?? null,
    lastLeasedAt: leased === undefined ? null : NOW - ms(leased),
    usedUntil: used === undefined ? null : NOW - ms(used),
    discarded: golden.discarded ?? false,
    growth: { bytes: (golden.grows_gb ?? 0) * 1e9, inodes: 0 },
    bytes: gb === undefined ? null : gb * 1e9,
    inodes: inodes ?? null,
    protectedBy: rule === undefined || reason === undefined ? null : { rule, reason },
  };
}

/** `-1h` is in the future. */
function ms(text: string): number {
  const value = parseDuration(text.replace(/^-/, ''));
  if (value === null) throw new TypeError(`not a duration: ${text}`);
  return text.startsWith('-') ? -value : value;
}

/** JSON with one line for what lies two levels deep. */
function block(value: object, depth: number): string {
  const pad = '  '.repeat(depth + 1);
  const lines = Object.entries(value).map(([key, inner]) => {
    const name = Array.isArray(value) ? '' : `${JSON.stringify(key)}: `;
    const nested =
      Array.isArray(inner) && typeof inner[0] === 'object' ? 'list' : key === 'plan' ? 'map' : null;
    return `${pad}${name}${nested ? block(inner, depth + 1) : line(inner)}`;
  });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${'  '.repeat(depth)}${close}`;
}

function line(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(line).join(', ')}]`;
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${line(inner)}`);
  return `{ ${entries.join(', ')} }`;
}

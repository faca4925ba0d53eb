import { isIP } from 'node:net';
import * as z from 'zod';
import { collectPatternsSchema } from '../collect/patterns.ts';
import {
  DURATION_EXPECTED,
  durationExpected,
  formatDuration,
  MAX_DURATION_MS,
  parseDuration,
} from '../units/duration.ts';
import { LEAST_IMAGE_BYTES } from './config.ts';
import { isCronPattern } from './cron.ts';
import { httpUrl, notifyTarget } from './notify.ts';
import { pathProblem } from './path.ts';

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

const name = z.string().regex(NAME, 'expected lower-case letters, digits and dashes, at most 32');
const text = z.string('expected a text').min(1, 'expected a text that is not empty');
const path = text.refine((value) => pathProblem(value) === null, {
  error: ({ input }) => pathProblem(String(input)) ?? '',
});
const flag = z.boolean('expected true or false');
const atLeast1 = whole(1);

function whole(least: number) {
  const expected = `expected a whole number of at least ${least}`;
  return z.int(expected).min(least, expected);
}

function number(expected: string, test: (value: number) => boolean) {
  return z.number(expected).refine(test, expected);
}

/** A duration in the file, milliseconds in the config. `most` is there for what a timer waits for. */
function duration({ least = 0, most = MAX_DURATION_MS } = {}) {
  return z
    .string(DURATION_EXPECTED)
    .refine((value) => parseDuration(value) !== null, { error: ({ input }) => durationExpected(input) })
    .refine((value) => (parseDuration(value) ?? least) >= least, `expected at least ${formatDuration(least)}`)
    .refine((value) => (parseDuration(value) ?? most) <= most, `expected at most ${formatDuration(most)}`);
}

/** A Node timer that is set further ahead than 2^31 − 1 ms (24.8 days) fires at once. */
const TIMER_MS = 24 * 86_400_000;

const positive = (value: number) => value > 0;
const notNegative = (value: number) => value >= 0;

const maxAgeDays = number('expected a number of days above 0', positive);
const minFreeSpaceGb = number('expected a number of GB of at least 0', notNegative);

const retention = z
  .strictObject({
    max_instances: atLeast1.default(10),
    max_age_days: maxAgeDays.default(3),
    prune_on_spawn: flag.default(true),
    keep_best: whole(0).default(0),
    max_per_experiment: atLeast1.nullable().default(null),
    min_age: duration().default('0s'),
    keep_after_lease: duration().default('1d'),
    order: z
      .enum(
        ['oldest', 'largest', 'least_recently_leased'],
        'expected oldest, largest or least_recently_leased',
      )
      .default('oldest'),
    trash_ttl: duration().default('10m'),
    protect_live_processes: flag.default(true),
    protect_when_unknown: flag.default(false),
    protect_unsaved_work: flag.default(true),
    blind_keep: duration().default('3d'),
  })
  .refine(({ protect_live_processes: looks, protect_when_unknown: keeps }) => looks || !keeps, {
    path: ['protect_when_unknown'],
    message: 'expected false where protect_live_processes is false',
  });

/** The older system's parser, of YAML 1.1, takes these for booleans; ours, of YAML 1.2, for texts. */
function readYaml11Boolean(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (/^(yes|Yes|YES|on|On|ON)$/.test(value)) return true;
  return /^(no|No|NO|off|Off|OFF)$/.test(value) ? false : value;
}

/** The older block, which says the same for every pool (legacy.ts). Its defaults are those of the pools. */
export const LEGACY_BLOCK = 'spica_retention';
export const legacySchema = z.strictObject({
  max_instances: atLeast1.optional(),
  max_age_days: maxAgeDays.optional(),
  prune_on_spawn: z.preprocess(readYaml11Boolean, flag).optional(),
  min_free_space_gb: minFreeSpaceGb.optional(),
});

const disk = z
  .strictObject({
    min_free_space_gb: minFreeSpaceGb.default(20),
    min_free_inodes_percent: number('expected a percentage from 0 to 100', (v) => v >= 0 && v <= 100).default(
      5,
    ),
    safety_factor: number('expected a factor of at least 1', (v) => v >= 1).default(1.1),
    target_free_gb: minFreeSpaceGb.nullable().default(null),
    check_every: duration({ least: 100, most: TIMER_MS }).default('5s'),
    growth_window: duration().default('6h'),
    prior_factor: number('expected a factor of at least 1', (v) => v >= 1).default(2),
    replica_overhead: number('expected a share of at least 0', notNegative).default(0.2),
    reclaim: z.enum(['policy', 'aggressive'], 'expected policy or aggressive').default('policy'),
    ballast_mb: number('expected a number of MB of at least 0', notNegative).default(64),
    forecast_warn: duration().default('6h'),
    max_instance_gb: number('expected a number of GB above 0', positive).nullable().default(null),
    cap: z.enum(['max', 'reservation'], 'expected max or reservation').default('max'),
    hard_cap: flag.default(false),
    max_pool_gb: number('expected a number of GB above 0', positive).nullable().default(null),
    also_watch: z.array(path, 'expected a list of paths').default([]),
    on_oversize: z.enum(['warn', 'end_lease'], 'expected warn or end_lease').default('warn'),
  })
  .refine(({ target_free_gb: target, min_free_space_gb: floor }) => target === null || target >= floor, {
    path: ['target_free_gb'],
    message: 'expected at least min_free_space_gb',
  });

const image = z.strictObject({
  size_gb: number('expected a number of GB of at least 0.128', (v) => v >= LEAST_IMAGE_BYTES / 1e9),
  file: path.nullable().default(null),
  allocate: flag.default(false),
});

const COMMAND_EXPECTED = 'expected a list of a command and its arguments, like [npm, ci]';

const argv = z
  .tuple([text], text.or(z.literal('')), COMMAND_EXPECTED)
  .refine((words) => words.every((word) => !word.includes('\0')), 'expected words without a NUL byte');

const template = z.strictObject({
  path,
  setup: argv.nullable().default(null),
  setup_timeout: duration({ least: 1_000, most: TIMER_MS }).default('10m'),
  prepare: argv.nullable().default(null),
  prepare_timeout: duration({ least: 1_000, most: TIMER_MS }).default('10m'),
  collect: collectPatternsSchema.default([]),
});

/** A text is the template's path. */
const templateOrPath = z.union([path.transform((it) => template.parse({ path: it })), template]);

const pool = z
  .strictObject({
    root: path.default('./instances'),
    image: image.nullable().default(null),
    templates: z.record(name, templateOrPath).prefault({ default: './template' }),
    allow_git_file: flag.default(false),
    collect_to: path.nullable().default(null),
    collect_as: z.enum(['directory', 'tar.zst'], 'expected directory or tar.zst').default('directory'),
    collect_max_gb: number('expected a number of GB above 0', positive).default(10),
    collect_timeout: duration({ least: 1_000, most: TIMER_MS }).default('10m'),
    retention: retention.prefault({}),
    disk: disk.prefault({}),
  })
  .superRefine(({ collect_to: to, templates }, { addIssue }) => {
    for (const [key, { collect }] of Object.entries(templates)) {
      if (collect.length === 0 || to !== null) continue;
      const message = `expected a directory, as template ${key} has something to collect`;
      addIssue({ code: 'custom', path: ['collect_to'], message });
    }
  });

const CRON = /^\S+(\s+\S+){4,5}$/;
const CRON_EXPECTED = 'expected a cron pattern of 5 or 6 fields like "0 * * * *"';

const prune = z
  .strictObject({
    every: duration({ least: 1_000 }).optional(),
    pattern: z
      .string(CRON_EXPECTED)
      .regex(CRON, { error: CRON_EXPECTED, abort: true })
      .refine(isCronPattern, 'expected a cron pattern that comes to a time')
      .optional(),
  })
  .refine(({ every, pattern }) => !(every && pattern), 'expected exactly one of every and pattern, got both')
  .refine(({ every, pattern }) => every || pattern, 'expected exactly one of every and pattern, got neither');

const REDIS_URL_EXPECTED = 'expected a URL like redis://host:6379';

/** Whether the client can decode them: it throws while it connects where it cannot. */
function hasReadableLogin(url: string): boolean {
  const { username, password } = new URL(url);
  try {
    for (const part of [username, password]) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** `spica.yaml`, with every default. What the older block says is laid under the pools before. */
export const fileSchema = z.strictObject({
  [LEGACY_BLOCK]: legacySchema.optional(),
  pools: z
    .record(name, pool)
    .refine((pools) => Object.keys(pools).length > 0, 'expected at least one pool, got none')
    .prefault({ main: {} }),
  concurrency: z
    .strictObject({
      gate: atLeast1.default(1),
      spawn: atLeast1.default(2),
      prune: atLeast1.default(1),
      sample: atLeast1.default(1),
    })
    .prefault({}),
  gate: z
    .strictObject({
      max_wait: duration().default('10m'),
      poll_every: duration({ least: 100, most: TIMER_MS }).default('5s'),
      barrier_after: duration().default('60s'),
      max_spawns_per_hour: atLeast1.nullable().default(null),
      max_waiting: atLeast1.nullable().default(null),
      breaker: z
        .strictObject({ failures: atLeast1.default(3), cooldown: duration({ most: TIMER_MS }).default('5m') })
        .prefault({}),
    })
    .prefault({}),
  prune: prune.prefault({ every: '10m' }),
  sample: z
    .strictObject({ every: duration({ least: 1_000 }).default('1m'), max_age: duration().default('1h') })
    .prefault({}),
  server: z
    .strictObject({
      host: text
        .refine((host) => host === 'localhost' || isIP(host) !== 0, 'expected an IP address or localhost')
        .default('127.0.0.1'),
      port: z
        .int('expected a port from 0 to 65535')
        .min(0, 'expected a port from 0 to 65535')
        .max(65_535, 'expected a port from 0 to 65535')
        .default(3737),
      tls_cert: path.nullable().default(null),
      tls_key: path.nullable().default(null),
      rate_limit: atLeast1.nullable().default(6_000),
    })
    .refine(({ tls_cert: cert, tls_key: key }) => (cert === null) === (key === null), {
      path: ['tls_cert'],
      message: 'expected both tls_cert and tls_key, or neither',
    })
    .prefault({}),
  audit: z.strictObject({ path: path.nullable().default(null) }).prefault({}),
  redis: z
    .strictObject({
      url: z
        .string(REDIS_URL_EXPECTED)
        .regex(/^rediss?:\/\//, { error: REDIS_URL_EXPECTED, abort: true })
        .refine((url) => URL.canParse(url), { error: REDIS_URL_EXPECTED, abort: true })
        .refine(hasReadableLogin, 'expected a user name and password that are percent-encoded (a % is %25)')
        .nullable()
        .default(null),
    })
    .prefault({}),
  notify: z.array(notifyTarget({ path, text }), 'expected a list of receivers').default([]),
  otel: z.strictObject({ endpoint: httpUrl.nullable().default(null) }).prefault({}),
  shutdown_timeout: duration({ most: TIMER_MS }).default('30s'),
  budget: z
    .strictObject({ cpu: whole(0).default(4), ram_gb: whole(0).default(8), vram_gb: whole(0).default(8) })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(
          ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
          'expected trace, debug, info, warn, error or silent',
        )
        .default('info'),
    })
    .prefault({}),
});

export type FileConfig = z.output<typeof fileSchema>;

import { dirname } from 'node:path';
import { parseDuration } from '../units/duration.ts';
import type { Config, PoolConfig, TemplateConfig } from './config.ts';
import { configError } from './config-error.ts';
import { applyEnvironment, type Environment } from './environment.ts';
import { describeIssues } from './issues.ts';
import { DEFAULT_POOL, isTree, type Layers, put, type Source, sourceOf, valueAt } from './layers.ts';
import { applyLegacy } from './legacy.ts';
import { toTarget, withAbsoluteFiles } from './notify.ts';
import { absolutePath, type PathStart } from './path.ts';
import { stateDirOf } from './places.ts';
import { redactTarget, redactText } from './redact.ts';
import { type FileConfig, fileSchema, LEGACY_BLOCK } from './schema.ts';
import { type ConfigFile, readYaml } from './yaml.ts';

export interface ConfigInput {
  readonly file: ConfigFile | null;
  readonly env: Environment;
  /** Dotted snake_case path → value, of the type that the file would hold; undefined says nothing. */
  readonly flags: Readonly<Record<string, unknown>>;
  /** Null where it is gone; then nothing may be relative to it. */
  readonly cwd: string | null;
  readonly home: string;
  /** What the pool is called that there is where the config names none; `main`. */
  readonly defaultPool?: string;
}

/** One setting as it is in force: durations as they were written, paths absolute, secrets hidden. */
export interface EffectiveSetting {
  readonly path: string;
  readonly value: unknown;
  readonly source: Source;
}

export interface ResolvedConfig {
  readonly config: Config;
  readonly effective: readonly EffectiveSetting[];
  /** Whether the config names its pools; otherwise there is one, with every default. */
  readonly namesPools: boolean;
  /** Keys at the top of the file that were not read, since it is an older system's; empty for a file of ours. */
  readonly ignored: readonly string[];
}

/**
 * Puts flags over environment over file over defaults, and checks the whole. Pure: it reads nothing.
 * Throws UsageError CONFIG_INVALID that lists every problem with its path, value, expectation and place.
 */
export function resolveConfig(input: ConfigInput): ResolvedConfig {
  const { tree, sources, ignored } = input.file
    ? readYaml(input.file)
    : { tree: {}, sources: new Map(), ignored: [] };
  const { defaultPool = DEFAULT_POOL } = input;
  const layers: Layers = { tree, sources, defaultPool };
  const namesPools = 'pools' in tree || Object.keys(input.flags).some((path) => path.startsWith('pools.'));
  applyLegacy(layers);
  applyEnvironment(layers, input.env);
  for (const [path, value] of Object.entries(input.flags)) {
    if (value !== undefined) put(layers, path.split('.'), value, `flag ${flagName(path)}`);
  }
  if (!namesPools) layers.tree['pools'] ??= { [defaultPool]: {} };
  const parsed = fileSchema.safeParse(layers.tree);
  if (!parsed.success) throw configError(describeIssues(parsed.error.issues, layers));
  const { cwd, home } = input;
  const base = input.file ? dirname(absolutePath(input.file.path, { base: cwd, home })) : cwd;
  const file = withAbsolutePaths(parsed.data, { base, home });
  requireOutside(file);
  const stateDir = stateDirOf(input);
  const effective = listSettings(file, layers);
  effective.push({ path: 'state_dir', value: stateDir.path, source: stateDir.source });
  return { config: toConfig(file, stateDir.path), effective, namesPools, ignored };
}

/** What is collected must not lie among instances: it would be taken for one. */
function requireOutside(file: FileConfig): void {
  for (const [name, { root, collect_to: to }] of Object.entries(file.pools)) {
    if (to === null || !`${to}/`.startsWith(`${root}/`)) continue;
    throw configError([
      `pools.${name}.collect_to: expected a directory outside of the pool's root, got "${to}"`,
    ]);
  }
}

/** `server.port` is `--port` on the command line. */
function flagName(path: string): string {
  return `--${(path.split('.').at(-1) ?? path).replaceAll('_', '-')}`;
}

function withAbsolutePaths(file: FileConfig, start: PathStart): FileConfig {
  const absolute = <T>(paths: Record<string, T>, change: (value: T) => T) =>
    Object.fromEntries(Object.entries(paths).map(([key, value]) => [key, change(value)]));
  return {
    ...file,
    pools: absolute(file.pools, (pool) => ({
      ...pool,
      root: absolutePath(pool.root, start),
      collect_to: pool.collect_to && absolutePath(pool.collect_to, start),
      image: pool.image && { ...pool.image, file: pool.image.file && absolutePath(pool.image.file, start) },
      templates: absolute(pool.templates, (template) => ({
        ...template,
        path: absolutePath(template.path, start),
      })),
      disk: { ...pool.disk, also_watch: pool.disk.also_watch.map((path) => absolutePath(path, start)) },
    })),
    server: {
      ...file.server,
      tls_cert: file.server.tls_cert && absolutePath(file.server.tls_cert, start),
      tls_key: file.server.tls_key && absolutePath(file.server.tls_key, start),
    },
    audit: { path: file.audit.path && absolutePath(file.audit.path, start) },
    notify: file.notify.map((target) => withAbsoluteFiles(target, start)),
  };
}

function toConfig(file: FileConfig, stateDir: string): Config {
  const { concurrency, server, log, budget, audit, redis, prune } = file;
  return {
    pools: Object.fromEntries(Object.entries(file.pools).map(([name, pool]) => [name, toPool(name, pool)])),
    concurrency,
    gate: {
      maxWaitMs: ms(file.gate.max_wait),
      pollEveryMs: ms(file.gate.poll_every),
      barrierAfterMs: ms(file.gate.barrier_after),
      maxSpawnsPerHour: file.gate.max_spawns_per_hour,
      maxWaiting: file.gate.max_waiting,
      breaker: {
        failures: file.gate.breaker.failures,
        cooldownMs: ms(file.gate.breaker.cooldown),
      },
    },
    prune: prune.pattern === undefined ? { everyMs: ms(prune.every) } : { pattern: prune.pattern },
    sample: { everyMs: ms(file.sample.every), maxAgeMs: ms(file.sample.max_age) },
    server: {
      host: server.host,
      port: server.port,
      tlsCert: server.tls_cert,
      tlsKey: server.tls_key,
      rateLimit: server.rate_limit,
    },
    audit,
    redis,
    notify: file.notify.map(toTarget),
    otel: file.otel,
    shutdownTimeoutMs: ms(file.shutdown_timeout),
    budget: { cpu: budget.cpu, ramGb: budget.ram_gb, vramGb: budget.vram_gb },
    log,
    stateDir,
  };
}

function toPool(name: string, pool: FileConfig['pools'][string]): PoolConfig {
  const { root, image, templates, allow_git_file: allowGitFile, retention, disk } = pool;
  return {
    name,
    root,
    image: image && { sizeGb: image.size_gb, file: image.file, allocate: image.allocate },
    templates: Object.fromEntries(
      Object.entries(templates).map(([key, template]) => [key, toTemplate(template)]),
    ),
    allowGitFile,
    collectTo: pool.collect_to,
    collectAs: pool.collect_as,
    collectMaxGb: pool.collect_max_gb,
    collectTimeoutMs: ms(pool.collect_timeout),
    retention: {
      maxInstances: retention.max_instances,
      maxAgeDays: retention.max_age_days,
      pruneOnSpawn: retention.prune_on_spawn,
      keepBest: retention.keep_best,
      maxPerExperiment: retention.max_per_experiment,
      minAgeMs: ms(retention.min_age),
      keepAfterLeaseMs: ms(retention.keep_after_lease),
      order: retention.order,
      trashTtlMs: ms(retention.trash_ttl),
      protectLiveProcesses: retention.protect_live_processes,
      protectWhenUnknown: retention.protect_when_unknown,
      protectUnsavedWork: retention.protect_unsaved_work,
      blindKeepMs: ms(retention.blind_keep),
    },
    disk: {
      minFreeSpaceGb: disk.min_free_space_gb,
      minFreeInodesPercent: disk.min_free_inodes_percent,
      safetyFactor: disk.safety_factor,
      targetFreeGb: disk.target_free_gb,
      checkEveryMs: ms(disk.check_every),
      growthWindowMs: ms(disk.growth_window),
      priorFactor: disk.prior_factor,
      replicaOverhead: disk.replica_overhead,
      reclaim: disk.reclaim,
      ballastMb: disk.ballast_mb,
      forecastWarnMs: ms(disk.forecast_warn),
      maxInstanceGb: disk.max_instance_gb,
      cap: disk.cap,
      hardCap: disk.hard_cap,
      onOversize: disk.on_oversize,
      maxPoolGb: disk.max_pool_gb,
      alsoWatch: disk.also_watch,
    },
  };
}

function toTemplate(template: FileConfig['pools'][string]['templates'][string]): TemplateConfig {
  const {
    path,
    setup,
    setup_timeout: setupTimeout,
    prepare,
    prepare_timeout: prepareTimeout,
    collect,
  } = template;
  const timeouts = { setupTimeoutMs: ms(setupTimeout), prepareTimeoutMs: ms(prepareTimeout) };
  return { path, setup, prepare, ...timeouts, collect };
}

/** The schema has seen to it that the text is a duration. */
function ms(text: string | undefined): number {
  const value = text === undefined ? null : parseDuration(text);
  if (value === null) throw new TypeError(`not a duration: ${text}`);
  return value;
}

function redacted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redacted);
  return typeof value === 'string' ? redactText(value) : value;
}

/** A template's path may stand in the place of the template. */
function wasGiven(layers: Layers, path: readonly string[]): boolean {
  const isTemplatePath = path.at(-3) === 'templates' && path.at(-1) === 'path';
  const short = isTemplatePath ? valueAt(layers, path.slice(0, -1)) : undefined;
  return valueAt(layers, path) !== undefined || typeof short === 'string';
}

function listSettings(file: FileConfig, layers: Layers): EffectiveSetting[] {
  const settings: EffectiveSetting[] = [];
  const walk = (value: unknown, path: readonly string[]): void => {
    if (isTree(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
    } else if (value !== undefined) {
      // A default stands inside a map that was given, too.
      const source = wasGiven(layers, path) ? sourceOf(layers, path) : 'default';
      settings.push({
        path: path.join('.'),
        value: redacted(value),
        source,
      });
    }
  };
  const { [LEGACY_BLOCK]: _laidUnderThePools, notify, ...rest } = file;
  walk(rest, []);
  settings.push({ path: 'notify', value: notify.map(redactTarget), source: sourceOf(layers, ['notify']) });
  return settings;
}

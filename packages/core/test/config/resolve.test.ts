import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/index.ts';
import { resolve } from './resolving.ts';

const TEMPLATE_DEFAULTS = {
  setup: null,
  setupTimeoutMs: 600_000,
  prepare: null,
  prepareTimeoutMs: 600_000,
  collect: [],
};

const COLLECT_DEFAULTS = {
  collectTo: null,
  collectAs: 'directory',
  collectMaxGb: 10,
  collectTimeoutMs: 600_000,
};

const RETENTION_DEFAULTS = {
  maxInstances: 10,
  maxAgeDays: 3,
  pruneOnSpawn: true,
  keepBest: 0,
  maxPerExperiment: null,
  minAgeMs: 0,
  keepAfterLeaseMs: 86_400_000,
  blindKeepMs: 259_200_000,
  order: 'oldest',
  trashTtlMs: 600_000,
  protectLiveProcesses: true,
  protectWhenUnknown: false,
  protectUnsavedWork: true,
};

const DISK_DEFAULTS = {
  minFreeSpaceGb: 20,
  minFreeInodesPercent: 5,
  safetyFactor: 1.1,
  targetFreeGb: null,
  checkEveryMs: 5_000,
  growthWindowMs: 21_600_000,
  priorFactor: 2,
  replicaOverhead: 0.2,
  reclaim: 'policy',
  ballastMb: 64,
  forecastWarnMs: 21_600_000,
  maxInstanceGb: null,
  hardCap: false,
  cap: 'max',
  onOversize: 'warn',
  maxPoolGb: null,
  alsoWatch: [],
};

const EVERYTHING = `
pools:
  main:
    root: /data/instances
    templates:
      default: { path: ./template, setup: null, setup_timeout: 10m, prepare: null, prepare_timeout: 10m, collect: [] }
      big: { path: ../big, setup: [npm, ci], setup_timeout: 5m, prepare: [make, -j2, all], prepare_timeout: 1h, collect: ['results/**'] }
    allow_git_file: true
    collect_to: ../results
    collect_as: tar.zst
    collect_max_gb: 0.5
    collect_timeout: 1m
    image: { size_gb: 200, file: pool.img, allocate: true }
    retention:
      max_instances: 6
      max_age_days: 0.5
      prune_on_spawn: false
      keep_best: 2
      max_per_experiment: 4
      min_age: 5m
      keep_after_lease: 2h
      blind_keep: 4h
      order: least_recently_leased
      trash_ttl: 1h
      protect_live_processes: false
      protect_when_unknown: false
      protect_unsaved_work: false
    disk:
      min_free_space_gb: 1.5
      min_free_inodes_percent: 2
      safety_factor: 1.25
      target_free_gb: 2.5
      check_every: 2s
      growth_window: 1h
      prior_factor: 3
      replica_overhead: 0.1
      reclaim: aggressive
      ballast_mb: 8
      forecast_warn: 2h
      max_instance_gb: 5
      hard_cap: true
      cap: reservation
      on_oversize: end_lease
      max_pool_gb: 40
      also_watch: [/srv, ../outer]
  other-2:
    root: ./other
concurrency: { gate: 8, spawn: 4, prune: 2, sample: 3 }
gate:
  max_wait: 1h30m
  poll_every: 250ms
  barrier_after: 0s
  max_spawns_per_hour: 100
  max_waiting: 40
  breaker: { failures: 5, cooldown: 1m }
prune: { pattern: "0 */2 * * *" }
sample: { every: 1m, max_age: 1d }
server: { host: localhost, port: 0, tls_cert: tls/cert.pem, tls_key: tls/key.pem, rate_limit: 60 }
audit: { path: log/audit.jsonl }
redis: { url: "rediss://spica:hunter2@redis.example:6380/1" }
notify:
  - { url: "https://hooks.example/s3cret", on: [critical, deleted], format: slack, secret: hunter2 }
  - { url: { env: NTFY_URL }, format: ntfy, secret: { file: keys/ntfy } }
otel: { endpoint: "http://collector.example:4318" }
shutdown_timeout: 5s
budget: { cpu: 1, ram_gb: 2, vram_gb: 0 }
log: { level: debug }
`;

describe('without file, environment and flags', () => {
  it('has a default for everything, and says so', () => {
    const { config, effective } = resolve(null);
    expect(config).toEqual({
      pools: {
        main: {
          name: 'main',
          root: '/work/instances',
          image: null,
          templates: { default: { path: '/work/template', ...TEMPLATE_DEFAULTS } },
          allowGitFile: false,
          ...COLLECT_DEFAULTS,
          retention: RETENTION_DEFAULTS,
          disk: DISK_DEFAULTS,
        },
      },
      concurrency: { gate: 1, spawn: 2, prune: 1, sample: 1 },
      gate: {
        maxWaitMs: 600_000,
        pollEveryMs: 5_000,
        barrierAfterMs: 60_000,
        maxSpawnsPerHour: null,
        maxWaiting: null,
        breaker: { failures: 3, cooldownMs: 300_000 },
      },
      prune: { everyMs: 600_000 },
      sample: { everyMs: 60_000, maxAgeMs: 3_600_000 },
      server: { host: '127.0.0.1', port: 3737, tlsCert: null, tlsKey: null, rateLimit: 6_000 },
      audit: { path: null },
      redis: { url: null },
      notify: [],
      otel: { endpoint: null },
      shutdownTimeoutMs: 30_000,
      budget: { cpu: 4, ramGb: 8, vramGb: 8 },
      log: { level: 'info' },
      stateDir: '/home/ada/.local/state/spica',
    });
    expect(new Set(effective.map((each) => each.source))).toEqual(new Set(['default']));
  });

  it.each(['', '# nothing yet\n', '{}'])('an empty file (%j) changes nothing', (text) => {
    const { pools: _rootedElsewhere, ...rest } = resolve(null).config;
    expect(resolve(text).config).toMatchObject(rest);
    expect(resolve(text).at('pools.main.retention.max_instances')).toEqual([10, 'default']);
  });
});

describe('a template', () => {
  it('is a path or a map with one, and shows as the same settings', () => {
    const { at } = resolve(
      'pools:\n  main:\n    templates:\n      a: /a\n      b: { path: /b, setup: [curl, "https://u:secret@h"] }\n',
    );
    expect(at('pools.main.templates.a.path')).toEqual(['/a', 'spica.yaml:4']);
    expect(at('pools.main.templates.a.setup')).toEqual([null, 'default']);
    expect(at('pools.main.templates.b.path')).toEqual(['/b', 'spica.yaml:5']);
    expect(at('pools.main.templates.b.setup')).toEqual([['curl', 'https://***@h'], 'spica.yaml:5']);
    expect(at('pools.main.templates.b.setup_timeout')).toEqual(['10m', 'default']);
  });
});

describe('a file', () => {
  it('can set everything', () => {
    const { config, effective } = resolve(EVERYTHING);
    expect(config).toEqual({
      pools: {
        main: {
          name: 'main',
          root: '/data/instances',
          image: { sizeGb: 200, file: '/etc/spica/pool.img', allocate: true },
          templates: {
            default: { path: '/etc/spica/template', ...TEMPLATE_DEFAULTS },
            big: {
              path: '/etc/big',
              setup: ['npm', 'ci'],
              setupTimeoutMs: 300_000,
              prepare: ['make', '-j2', 'all'],
              prepareTimeoutMs: 3_600_000,
              collect: ['results/**'],
            },
          },
          allowGitFile: true,
          collectTo: '/etc/results',
          collectAs: 'tar.zst',
          collectMaxGb: 0.5,
          collectTimeoutMs: 60_000,
          retention: {
            maxInstances: 6,
            maxAgeDays: 0.5,
            pruneOnSpawn: false,
            keepBest: 2,
            maxPerExperiment: 4,
            minAgeMs: 300_000,
            keepAfterLeaseMs: 7_200_000,
            blindKeepMs: 14_400_000,
            order: 'least_recently_leased',
            trashTtlMs: 3_600_000,
            protectLiveProcesses: false,
            protectWhenUnknown: false,
            protectUnsavedWork: false,
          },
          disk: {
            minFreeSpaceGb: 1.5,
            minFreeInodesPercent: 2,
            safetyFactor: 1.25,
            targetFreeGb: 2.5,
            checkEveryMs: 2_000,
            growthWindowMs: 3_600_000,
            priorFactor: 3,
            replicaOverhead: 0.1,
            reclaim: 'aggressive',
            ballastMb: 8,
            forecastWarnMs: 7_200_000,
            maxInstanceGb: 5,
            hardCap: true,
            cap: 'reservation',
            onOversize: 'end_lease',
            maxPoolGb: 40,
            alsoWatch: ['/srv', '/etc/outer'],
          },
        },
        'other-2': {
          name: 'other-2',
          root: '/etc/spica/other',
          image: null,
          templates: { default: { path: '/etc/spica/template', ...TEMPLATE_DEFAULTS } },
          allowGitFile: false,
          ...COLLECT_DEFAULTS,
          retention: RETENTION_DEFAULTS,
          disk: DISK_DEFAULTS,
        },
      },
      concurrency: { gate: 8, spawn: 4, prune: 2, sample: 3 },
      gate: {
        maxWaitMs: 5_400_000,
        pollEveryMs: 250,
        barrierAfterMs: 0,
        maxSpawnsPerHour: 100,
        maxWaiting: 40,
        breaker: { failures: 5, cooldownMs: 60_000 },
      },
      prune: { pattern: '0 */2 * * *' },
      sample: { everyMs: 60_000, maxAgeMs: 86_400_000 },
      server: {
        host: 'localhost',
        port: 0,
        tlsCert: '/etc/spica/tls/cert.pem',
        tlsKey: '/etc/spica/tls/key.pem',
        rateLimit: 60,
      },
      audit: { path: '/etc/spica/log/audit.jsonl' },
      redis: { url: 'rediss://spica:hunter2@redis.example:6380/1' },
      notify: [
        {
          url: { value: 'https://hooks.example/s3cret' },
          on: ['critical', 'deleted'],
          format: 'slack',
          secret: { value: 'hunter2' },
        },
        {
          url: { env: 'NTFY_URL' },
          on: ['critical', 'short', 'held_over', 'audit_broken'],
          format: 'ntfy',
          secret: { file: '/etc/spica/keys/ntfy' },
        },
      ],
      otel: { endpoint: 'http://collector.example:4318' },
      shutdownTimeoutMs: 5_000,
      budget: { cpu: 1, ramGb: 2, vramGb: 0 },
      log: { level: 'debug' },
      stateDir: '/home/ada/.local/state/spica',
    });
    const ofMain = effective.filter((each) => !/^(pools\.other-2|state_dir)/.test(each.path));
    for (const { path, source } of ofMain) expect(source, path).toMatch(/^spica\.yaml:\d+$/);
  });

  it('names the line of each value, and what stays a default beside it', () => {
    const { at } = resolve('server:\n  # a comment\n  port: 8080\n');
    expect(at('server.port')).toEqual([8080, 'spica.yaml:3']);
    expect(at('server.host')).toEqual(['127.0.0.1', 'default']);
  });

  it('may lie at a relative path: its own paths then start from its directory below cwd', () => {
    const file = { path: 'conf/other.yaml', text: 'log: { level: warn }' };
    const { config, effective } = resolveConfig({ file, env: {}, flags: {}, cwd: '/work', home: '/h' });
    expect(config.pools['main']?.root).toBe('/work/conf/instances');
    expect(effective.find((each) => each.path === 'log.level')?.source).toBe('other.yaml:1');
  });
});

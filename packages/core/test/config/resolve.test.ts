import { describe, expect, it } from 'vitest';
import { type ConfigInput, configFileCandidates, floorOf, resolveConfig } from '../../src/index.ts';

function resolve(text: string | null, { env = {}, flags = {} }: Partial<ConfigInput> = {}) {
  const file = text === null ? null : { path: '/etc/spica/spica.yaml', text };
  const { config, effective } = resolveConfig({ file, env, flags, cwd: '/work', home: '/home/ada' });
  const at = (path: string) => {
    const setting = effective.find((each) => each.path === path);
    return setting && [setting.value, setting.source];
  };
  return { config, effective, at };
}

const RETENTION_DEFAULTS = {
  maxInstances: 10,
  maxAgeDays: 3,
  pruneOnSpawn: true,
  keepBest: 0,
  maxPerExperiment: null,
  minAgeMs: 0,
  order: 'oldest',
  trashTtlMs: 600_000,
  protectLiveProcesses: true,
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
  onOversize: 'warn',
};

const EVERYTHING = `
pools:
  main:
    root: /data/instances
    templates: { default: ./template, big: ../big }
    retention:
      max_instances: 6
      max_age_days: 0.5
      prune_on_spawn: false
      keep_best: 2
      max_per_experiment: 4
      min_age: 5m
      order: least_recently_leased
      trash_ttl: 1h
      protect_live_processes: false
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
      on_oversize: end_lease
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
server: { host: localhost, port: 0 }
audit: { path: log/audit.jsonl }
redis: { url: "rediss://spica:hunter2@redis.example:6380/1" }
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
          templates: { default: '/work/template' },
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
      server: { host: '127.0.0.1', port: 3737 },
      audit: { path: null },
      redis: { url: null },
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

describe('a file', () => {
  it('can set everything', () => {
    const { config, effective } = resolve(EVERYTHING);
    expect(config).toEqual({
      pools: {
        main: {
          name: 'main',
          root: '/data/instances',
          templates: { default: '/etc/spica/template', big: '/etc/big' },
          retention: {
            maxInstances: 6,
            maxAgeDays: 0.5,
            pruneOnSpawn: false,
            keepBest: 2,
            maxPerExperiment: 4,
            minAgeMs: 300_000,
            order: 'least_recently_leased',
            trashTtlMs: 3_600_000,
            protectLiveProcesses: false,
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
            onOversize: 'end_lease',
          },
        },
        'other-2': {
          name: 'other-2',
          root: '/etc/spica/other',
          templates: { default: '/etc/spica/template' },
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
      server: { host: 'localhost', port: 0 },
      audit: { path: '/etc/spica/log/audit.jsonl' },
      redis: { url: 'rediss://spica:hunter2@redis.example:6380/1' },
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

describe('the older spica_retention block', () => {
  const OLD =
    'spica_retention:\n  max_instances: 4\n  max_age_days: 2\n  prune_on_spawn: false\n  min_free_space_gb: 7\n';

  it('alone is a whole config, for the pool main', () => {
    const { config, at, effective } = resolve(OLD);
    expect(Object.keys(config.pools)).toEqual(['main']);
    expect(config.pools['main']).toMatchObject({
      retention: { maxInstances: 4, maxAgeDays: 2, pruneOnSpawn: false },
      disk: { minFreeSpaceGb: 7, minFreeInodesPercent: 5 },
    });
    expect(at('pools.main.retention.max_instances')).toEqual([4, 'spica.yaml:2']);
    expect(effective.filter((each) => each.path.startsWith('spica_retention'))).toEqual([]);
  });

  it('is the default of every pool beside it', () => {
    const { at } = resolve(`${OLD}pools:\n  a:\n    retention: { max_instances: 6 }\n  b: {}\n`);
    expect(at('pools.a.retention.max_instances')).toEqual([6, 'spica.yaml:8']);
    expect(at('pools.a.disk.min_free_space_gb')).toEqual([7, 'spica.yaml:5']);
    expect(at('pools.b.retention.max_instances')).toEqual([4, 'spica.yaml:2']);
  });
});

describe('order', () => {
  it('is flag over environment over file over default', () => {
    const file = 'spica_retention: { max_instances: 2 }';
    const env = { SPICA_RETENTION_MAX_INSTANCES: '3' };
    const path = 'pools.main.retention.max_instances';
    expect(resolve(null).at(path)).toEqual([10, 'default']);
    expect(resolve(file).at(path)).toEqual([2, 'spica.yaml:1']);
    expect(resolve(file, { env }).at(path)).toEqual([3, 'env SPICA_RETENTION_MAX_INSTANCES']);
    expect(resolve(file, { env, flags: { [path]: 4 } }).at(path)).toEqual([4, 'flag --max-instances']);
  });

  it('a flag that was not given says nothing', () => {
    expect(resolve('server: { port: 5 }', { flags: { 'server.port': undefined } }).at('server.port')).toEqual(
      [5, 'spica.yaml:1'],
    );
  });

  it('SPICA_RETENTION_* rules in every pool, SPICA_BUDGET_* in the budget; an empty variable says nothing', () => {
    const env = {
      SPICA_RETENTION_MAX_INSTANCES: '',
      SPICA_RETENTION_MAX_AGE_DAYS: '0.25',
      SPICA_BUDGET_CPU: '1',
      SPICA_BUDGET_RAM_GB: '2',
      SPICA_BUDGET_VRAM_GB: '0',
    };
    const { config } = resolve('pools: { a: {}, b: { retention: { max_age_days: 9, max_instances: 5 } } }', {
      env,
    });
    expect(Object.values(config.pools).map((pool) => pool.retention)).toMatchObject([
      { maxInstances: 10, maxAgeDays: 0.25, pruneOnSpawn: true },
      { maxInstances: 5, maxAgeDays: 0.25, pruneOnSpawn: true },
    ]);
    expect(config.budget).toEqual({ cpu: 1, ramGb: 2, vramGb: 0 });
  });
});

describe('directories', () => {
  it.each([
    [{ SPICA_STATE_DIR: '/s', XDG_STATE_HOME: '/x' }, '/s', 'env SPICA_STATE_DIR'],
    [{ SPICA_STATE_DIR: 's' }, '/work/s', 'env SPICA_STATE_DIR'],
    [{ XDG_STATE_HOME: '/x' }, '/x/spica', 'env XDG_STATE_HOME'],
    [{ XDG_STATE_HOME: 'relative' }, '/home/ada/.local/state/spica', 'default'],
  ])('state: %j → %s', (env, dir, source) => {
    const { config, at } = resolve(null, { env });
    expect(config.stateDir).toBe(dir);
    expect(at('state_dir')).toEqual([dir, source]);
  });

  it.each([
    [{ SPICA_CONFIG: 'my.yaml', XDG_CONFIG_HOME: '/x' }, ['/work/my.yaml']],
    [{ XDG_CONFIG_HOME: '/x' }, ['/work/spica.yaml', '/x/spica/spica.yaml']],
    [{ XDG_CONFIG_HOME: 'x' }, ['/work/spica.yaml', '/home/ada/.config/spica/spica.yaml']],
    [{}, ['/work/spica.yaml', '/home/ada/.config/spica/spica.yaml']],
  ])('config: %j → %j', (env, candidates) => {
    expect(configFileCandidates({ env, cwd: '/work', home: '/home/ada' })).toEqual(candidates);
  });
});

describe('floorOf', () => {
  const disk = { minFreeSpaceGb: 1.5, minFreeInodesPercent: 5 };
  it('is in decimal GB and a share of all inodes', () => {
    expect(floorOf(disk, 1_001)).toEqual({ bytes: 1_500_000_000, inodes: 51 });
  });
  it('asks for no inodes where the filesystem has no limit of them', () => {
    expect(floorOf(disk, null).inodes).toBe(0);
  });
});

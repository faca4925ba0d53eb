import { describe, expect, it } from 'vitest';
import { configFileCandidates, resolveConfig } from '../../src/index.ts';
import { resolve } from './resolving.ts';

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

describe('what an alias stands for', () => {
  const ALIASED =
    'pools:\n  a:\n    retention: &kept\n      max_instances: 6\n  b:\n    retention: *kept\n  c: {}\n';

  it('comes from the line where it is written, and before the older block', () => {
    const { at } = resolve(`${ALIASED}spica_retention: { max_instances: 2, max_age_days: 9 }`);
    expect(at('pools.a.retention.max_instances')).toEqual([6, 'spica.yaml:4']);
    expect(at('pools.b.retention.max_instances')).toEqual([6, 'spica.yaml:4']);
    expect(at('pools.c.retention.max_instances')).toEqual([2, 'spica.yaml:8']);
    expect(at('pools.b.retention.max_age_days')).toEqual([9, 'spica.yaml:8']);
  });

  it('is each pool’s own: a flag for one leaves the other as it is', () => {
    const { at } = resolve(ALIASED, { flags: { 'pools.b.retention.max_instances': 3 } });
    expect(at('pools.a.retention.max_instances')).toEqual([6, 'spica.yaml:4']);
    expect(at('pools.b.retention.max_instances')).toEqual([3, 'flag --max-instances']);
  });

  it('may be a whole pool', () => {
    const { at } = resolve('pools:\n  a: &one\n    root: /x\n  b: *one\n');
    expect(at('pools.b.root')).toEqual(['/x', 'spica.yaml:3']);
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

describe('the pool that there is where none is named', () => {
  const input = { flags: {}, cwd: '/work', home: '/home/ada', defaultPool: 'work-1a2b3c' };
  const env = { SPICA_RETENTION_MAX_AGE_DAYS: '0.25' };

  it.each([
    ['without a file', null],
    ['with a file of other settings', 'gate: { max_wait: 1m }'],
    ["with an older system's file", 'spica_retention: { max_instances: 5 }'],
  ])('has the name that it is given, and every setting, %s', (_, text) => {
    const file = text === null ? null : { path: '/work/spica.yaml', text };
    const { config, namesPools } = resolveConfig({ ...input, file, env });
    expect(namesPools).toBe(false);
    expect(Object.keys(config.pools)).toEqual(['work-1a2b3c']);
    expect(config.pools['work-1a2b3c']).toMatchObject({
      name: 'work-1a2b3c',
      root: '/work/instances',
      retention: { maxInstances: text?.includes('5') ? 5 : 10, maxAgeDays: 0.25 },
    });
  });

  it('is not there beside those that are named', () => {
    const file = { path: '/work/spica.yaml', text: 'pools: { other: {} }' };
    const { config, namesPools } = resolveConfig({ ...input, file, env });
    expect([namesPools, Object.keys(config.pools)]).toEqual([true, ['other']]);
  });
});

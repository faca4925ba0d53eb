import { describe, expect, it } from 'vitest';
import { compareConfigs } from '../../src/index.ts';
import { resolve } from './resolving.ts';

const BEFORE = `
pools:
  main: { root: /i, templates: { default: /t } }
  other: { root: /o }
redis: { url: "redis://:old@host" }
`;
const configOf = (text: string) => resolve(text).config;

describe('a config that was read again', () => {
  it('changes nothing where nothing differs', () => {
    const before = configOf(BEFORE);
    expect(compareConfigs(before, configOf(BEFORE))).toEqual({ live: [], needsRestart: [], next: before });
  });

  it('changes at once what can change while running, by the names in the file', () => {
    const after = configOf(`
pools:
  main:
    root: /i
    templates: { default: /t }
    retention: { max_instances: 3, trash_ttl: 1h }
    disk: { min_free_space_gb: 5, check_every: 1s }
  other: { root: /o }
redis: { url: "redis://:old@host" }
concurrency: { spawn: 9 }
gate: { max_wait: 1h, breaker: { failures: 9 } }
prune: { pattern: "0 * * * *" }
sample: { every: 5m }
shutdown_timeout: 5s
budget: { ram_gb: 3 }
log: { level: debug }
`);
    const { live, needsRestart, next } = compareConfigs(configOf(BEFORE), after);
    expect(live.toSorted()).toEqual([
      'budget.ram_gb',
      'concurrency.spawn',
      'gate.breaker.failures',
      'gate.max_wait',
      'log.level',
      'pools.main.disk.check_every',
      'pools.main.disk.min_free_space_gb',
      'pools.main.retention.max_instances',
      'pools.main.retention.trash_ttl',
      'prune.every',
      'prune.pattern',
      'sample.every',
      'shutdown_timeout',
    ]);
    expect(needsRestart).toEqual([]);
    expect(next).toEqual(after);
  });

  it('names what needs a restart, and leaves it as it was', () => {
    const before = configOf(BEFORE);
    const after = configOf(`
pools:
  main: { root: /elsewhere, templates: { default: /t, more: /m }, allow_git_file: true, disk: { ballast_mb: 1, safety_factor: 2, also_watch: [/w] } }
  third: { root: /3 }
redis: { url: "redis://:new@host" }
server: { port: 1 }
audit: { path: /a }
`);
    const { live, needsRestart, next } = compareConfigs(before, { ...after, stateDir: '/s' });
    expect(live).toEqual(['pools.main.disk.safety_factor']);
    expect(needsRestart.toSorted()).toEqual([
      'audit.path',
      'pools.main.allow_git_file',
      'pools.main.disk.also_watch',
      'pools.main.disk.ballast_mb',
      'pools.main.root',
      'pools.main.templates.more',
      'pools.other',
      'pools.third',
      'redis.url',
      'server.port',
      'state_dir',
    ]);
    expect(next).toEqual({
      ...before,
      pools: {
        ...before.pools,
        main: { ...before.pools['main'], disk: { ...before.pools['main']?.disk, safetyFactor: 2 } },
      },
    });
  });

  it('knows every setting that there is', () => {
    const { config, effective } = resolve('pools: { main: {} }');
    const { needsRestart, live } = compareConfigs({ ...config, pools: {} } as never, config);
    expect([needsRestart, live]).toEqual([['pools.main'], []]);
    const flipped = structuredClone(config) as unknown as Record<string, unknown>;
    const flip = (tree: Record<string, unknown>): void => {
      for (const [key, value] of Object.entries(tree)) {
        if (typeof value === 'object' && value !== null && !Array.isArray(value))
          flip(value as Record<string, unknown>);
        else if (key !== 'name') tree[key] = 'changed';
      }
    };
    flip(flipped);
    const all = compareConfigs(config, flipped as never);
    expect([...all.live, ...all.needsRestart].toSorted()).toEqual(
      effective.map(({ path }) => path).toSorted(),
    );
  });
});

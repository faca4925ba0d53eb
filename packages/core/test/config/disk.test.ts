import { expect, it } from 'vitest';
import { resolveConfig } from '../../src/index.ts';

function refusal(disk: string, gate = '{}'): string {
  const file = { path: 'spica.yaml', text: `pools: { main: { disk: ${disk} } }\ngate: ${gate}\n` };
  try {
    resolveConfig({ file, env: {}, flags: {}, cwd: '/work', home: '/home/ada' });
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
}

it('refuses a target of free space below the floor: the level low would never come before short', () => {
  expect(refusal('{ min_free_space_gb: 20, target_free_gb: 5 }')).toBe(
    'pools.main.disk.target_free_gb: expected at least min_free_space_gb, got 5 (spica.yaml:1)',
  );
  expect(refusal('{ min_free_space_gb: 20, target_free_gb: 20 }')).toBe('accepted');
});

it.each([
  ['{ prior_factor: 0.5 }', 'prior_factor: expected a factor of at least 1, got 0.5'],
  ['{ replica_overhead: -1 }', 'replica_overhead: expected a share of at least 0, got -1'],
  ['{ reclaim: all }', 'reclaim: expected policy or aggressive, got "all"'],
  ['{ on_oversize: kill }', 'on_oversize: expected warn or end_lease, got "kill"'],
  ['{ max_instance_gb: 0 }', 'max_instance_gb: expected a number of GB above 0, got 0'],
  ['{ max_pool_gb: 0 }', 'max_pool_gb: expected a number of GB above 0, got 0'],
  ['{ also_watch: /srv }', 'also_watch: expected a list of paths, got "/srv"'],
  [
    '{ also_watch: [/srv, ~eve/x] }',
    'also_watch.1: expected an absolute path, a relative one, or one below ~/ (your home directory), got "~eve/x"',
  ],
  ['{ check_every: 1ms }', 'check_every: expected at least 100ms, got "1ms"'],
])('refuses disk: %s by name, value and what was expected', (disk, problem) => {
  expect(refusal(disk)).toBe(`pools.main.disk.${problem} (spica.yaml:1)`);
});

it.each([
  ['{ breaker: { failures: 0 } }', 'breaker.failures: expected a whole number of at least 1, got 0'],
  ['{ max_waiting: 0 }', 'max_waiting: expected a whole number of at least 1, got 0'],
  ['{ max_spawns_per_hour: 1.5 }', 'max_spawns_per_hour: expected a whole number of at least 1, got 1.5'],
])('refuses gate: %s in the same way', (gate, problem) => {
  expect(refusal('{}', gate)).toBe(`gate.${problem} (spica.yaml:2)`);
});

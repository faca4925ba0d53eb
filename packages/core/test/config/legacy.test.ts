import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/index.ts';

function read(text: string) {
  const file = { path: '/etc/dream.yaml', text };
  return resolveConfig({ file, env: {}, flags: {}, cwd: '/work', home: '/home/ada' });
}

const DREAM = `
dream:
  model: &model gpt-tiny
  steps: 10
  steps: 20
training: { lr: 1e-4, on: *model }
? [a, b]
: a key that is no text
spica_retention:
  max_instances: 4
  max_age_days: 0.5
  prune_on_spawn: no
  min_free_space_gb: 7
`;

describe("an older system's file", () => {
  it('is read for its block alone, whatever else is in it, and says what was not read', () => {
    const { config, ignored } = read(DREAM);
    expect(config.pools['main']).toMatchObject({
      retention: { maxInstances: 4, maxAgeDays: 0.5, pruneOnSpawn: false },
      disk: { minFreeSpaceGb: 7 },
    });
    expect(ignored).toEqual(['dream', 'training', '?']);
  });

  it('is refused for a wrong block all the same', () => {
    expect(() => read('dream: {}\nspica_retention: { max_instance: 2 }')).toThrow(
      'spica_retention.max_instance: unknown key, did you mean max_instances? (dream.yaml:2)',
    );
    expect(() => read('dream: {}\nspica_retention: { max_instances: 1, max_instances: 2 }')).toThrow(
      'spica_retention.max_instances: given twice, first at dream.yaml:2 (dream.yaml:2)',
    );
  });

  it('is one of ours as soon as it has a key of ours', () => {
    expect(() => read('dream: {}\nlog: {}\nspica_retention: {}')).toThrow(/^dream: unknown key/);
    expect(() => read('dream: {}')).toThrow(/^dream: unknown key/);
    expect(read('spica_retention: {}\nlog: { level: warn }').ignored).toEqual([]);
  });

  it.each([
    ['yes', true],
    ['On', true],
    ['true', true],
    ['NO', false],
    ['off', false],
    ['false', false],
  ])('prune_on_spawn: %s is %s, as in YAML 1.1', (word, value) => {
    const { config, effective } = read(`spica_retention: { prune_on_spawn: ${word} }`);
    expect(config.pools['main']?.retention.pruneOnSpawn).toBe(value);
    expect(effective).toContainEqual({
      path: 'pools.main.retention.prune_on_spawn',
      value,
      source: 'dream.yaml:1',
    });
  });

  it('refuses other words for a boolean, and those of YAML 1.1 in our own settings', () => {
    expect(() => read('spica_retention: { prune_on_spawn: maybe }')).toThrow(
      'spica_retention.prune_on_spawn: expected true or false, got "maybe" (dream.yaml:1)',
    );
    expect(() => read('pools: { main: { retention: { prune_on_spawn: yes } } }')).toThrow(
      'pools.main.retention.prune_on_spawn: expected true or false, got "yes" (dream.yaml:1)',
    );
  });
});

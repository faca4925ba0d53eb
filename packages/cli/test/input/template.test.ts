import type { PoolConfig } from '@spica/core';
import { expect, it } from 'vitest';
import { chooseTemplate } from '../../src/input/template.ts';

const TEMPLATE = {
  setup: null,
  setupTimeoutMs: 600_000,
  prepare: null,
  collect: [],
  prepareTimeoutMs: 600_000,
};

const pool = (...names: string[]): PoolConfig => ({
  name: 'main',
  root: '/pool',
  image: null,
  allowGitFile: false,
  collectTo: null,
  collectAs: 'directory',
  collectMaxGb: 10,
  collectTimeoutMs: 600_000,
  templates: Object.fromEntries(names.map((name) => [name, { ...TEMPLATE, path: `/templates/${name}` }])),
  retention: {
    maxInstances: 10,
    maxAgeDays: 3,
    pruneOnSpawn: true,
    keepBest: 0,
    maxPerExperiment: null,
    minAgeMs: 0,
    keepAfterLeaseMs: 0,
    order: 'oldest',
    trashTtlMs: 600_000,
    protectLiveProcesses: true,
    protectWhenUnknown: false,
    protectUnsavedWork: true,
    blindKeepMs: 0,
  },
  disk: {
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
  },
});

it('takes the template asked for, else the only one, else `default`', () => {
  expect(chooseTemplate(pool('a', 'default'), 'a')).toBe('a');
  expect(chooseTemplate(pool('only'), undefined)).toBe('only');
  expect(chooseTemplate(pool('a', 'default'), undefined)).toBe('default');
});

it('lists the templates when none was given and none is the obvious one', () => {
  expect(() => chooseTemplate(pool('a', 'b'), undefined)).toThrow(
    '--template: expected one of: a, b (templates of pool main), none was given, and there is no template "default"',
  );
});

it('is not fooled by names that every object has', () => {
  expect(() => chooseTemplate(pool('a', 'b'), 'constructor')).toThrow('got "constructor"');
});

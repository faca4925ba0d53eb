import { resolveConfig } from '@spica/core';
import { expect, it } from 'vitest';
import { choosePool, choosePools } from '../../src/context/pool.ts';

function configWith(...pools: string[]) {
  const flags = Object.fromEntries(pools.map((pool) => [`pools.${pool}.root`, `/${pool}`]));
  return resolveConfig({ file: null, env: {}, flags, cwd: '/', home: '/' }).config;
}

it('takes the pool asked for, else the only one, else `main`', () => {
  expect(choosePool(configWith('a', 'b'), 'b').name).toBe('b');
  expect(choosePool(configWith('only'), undefined).name).toBe('only');
  expect(choosePool(configWith('a', 'main'), undefined).name).toBe('main');
});

it('lists the pools when it cannot tell which is meant', () => {
  expect(() => choosePool(configWith('a', 'b'), undefined)).toThrow(
    '--pool: expected one of: a, b; none was given',
  );
  expect(() => choosePool(configWith('a', 'b'), 'c')).toThrow('--pool: expected one of: a, b, got "c"');
});

it.each(['constructor', 'toString', '__proto__', ''])('knows no pool %j by what every object has', (name) => {
  const choose = () => choosePool(configWith('main'), name);
  expect(choose).toThrow(`--pool: expected one of: main, got "${name}"`);
  expect(choose).toThrow(expect.objectContaining({ kind: 'usage', code: 'POOL_UNKNOWN' }));
});

it('leaves a config with all pools, or with the one asked for', () => {
  expect(Object.keys(choosePools(configWith('a', 'b'), undefined).pools)).toEqual(['a', 'b']);
  expect(Object.keys(choosePools(configWith('a', 'b'), 'b').pools)).toEqual(['b']);
});

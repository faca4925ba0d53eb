import { type Config, type PoolConfig, UsageError } from '@spica/core';

/**
 * The pool that a command works on: the one asked for, else the only one, else `main`.
 * Throws UsageError POOL_UNKNOWN or POOL_AMBIGUOUS that lists the pools there are.
 */
export function choosePool({ pools }: Pick<Config, 'pools'>, asked: string | undefined): PoolConfig {
  const names = Object.keys(pools);
  const only = names.length === 1 ? names[0] : 'main';
  const name = asked ?? only ?? 'main';
  const chosen = Object.hasOwn(pools, name) ? pools[name] : undefined;
  if (chosen) return chosen;
  const known = names.join(', ');
  throw asked === undefined
    ? new UsageError(
        'POOL_AMBIGUOUS',
        `--pool: expected one of: ${known}; none was given, and there is no pool "main"`,
      )
    : new UsageError('POOL_UNKNOWN', `--pool: expected one of: ${known}, got "${asked}"`);
}

/** The pools that a command for all of them works on: those of the config, or the one asked for. */
export function choosePools(config: Config, asked: string | undefined): Config {
  if (asked === undefined) return config;
  const pool = choosePool(config, asked);
  return { ...config, pools: { [pool.name]: pool } };
}

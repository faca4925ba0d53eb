import { isDeepStrictEqual } from 'node:util';
import type { Config, PoolConfig } from './config.ts';
import { isTree } from './layers.ts';

/** What a config that was read again changes in a process that runs. */
export interface Reload {
  /** Settings that change at once, by their names in the file. */
  readonly live: readonly string[];
  /** Settings that differ but stay as they are until the next start; a whole pool as `pools.NAME`. */
  readonly needsRestart: readonly string[];
  /** The config from now on: `after` where it can change, `before` elsewhere. */
  readonly next: Config;
}

/** Compares the config in force with the one that was read again. Pure; both are left as they are. */
export function compareConfigs(before: Config, after: Config): Reload {
  const next = mergeLive(before, after);
  return { live: differences(before, next), needsRestart: differences(next, after), next };
}

/** What is open, locked, listened on or kept at a size since the start stays: paths, addresses, pools, the ballast. */
function mergeLive(before: Config, after: Config): Config {
  const { server, audit, redis, otel, stateDir } = before;
  const pools = Object.entries(before.pools).map(([name, pool]) => {
    const now = Object.hasOwn(after.pools, name) ? after.pools[name] : undefined;
    return [name, now ? mergePool(pool, now) : pool] as const;
  });
  return structuredClone({
    ...after,
    server,
    audit,
    redis,
    otel,
    stateDir,
    pools: Object.fromEntries(pools),
  });
}

function mergePool(before: PoolConfig, after: PoolConfig): PoolConfig {
  const { root, image, templates, allowGitFile } = before;
  return {
    ...after,
    root,
    image,
    templates,
    allowGitFile,
    disk: {
      ...after.disk,
      ballastMb: before.disk.ballastMb,
      alsoWatch: before.disk.alsoWatch,
      hardCap: before.disk.hardCap,
    },
  };
}

function differences(one: Config, other: Config): string[] {
  const [a, b] = [listSettings(one), listSettings(other)];
  const paths = [...new Set([...a.keys(), ...b.keys()])];
  const changed = paths.filter((path) => !isDeepStrictEqual(a.get(path), b.get(path)));
  return [...new Set(changed.map((path) => oneSided(one, other, path) ?? path))];
}

/** The pool or template that only one of the configs has; null for a setting of what both have. */
function oneSided(one: Config, other: Config, path: string): string | null {
  const [section, pool, part, template] = path.split('.');
  if (section !== 'pools' || pool === undefined) return null;
  if (Object.hasOwn(one.pools, pool) !== Object.hasOwn(other.pools, pool)) return `pools.${pool}`;
  if (part !== 'templates' || template === undefined) return null;
  const [a = {}, b = {}] = [one.pools[pool]?.templates, other.pools[pool]?.templates];
  return Object.hasOwn(a, template) === Object.hasOwn(b, template)
    ? null
    : `pools.${pool}.templates.${template}`;
}

/** Each setting under its name in the file: `gate.maxWaitMs` is `gate.max_wait` there. */
function listSettings(config: Config): ReadonlyMap<string, unknown> {
  const settings = new Map<string, unknown>();
  const walk = (value: unknown, path: string): void => {
    if (!isTree(value)) {
      settings.set(path, value);
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      if (!(path.startsWith('pools.') && key === 'name' && inner === path.slice('pools.'.length)))
        walk(inner, path === '' ? fileName(key) : `${path}.${fileName(key)}`);
    }
  };
  walk(config, '');
  return settings;
}

/** A key as the file has it. Names of pools and templates have no capitals, so they stay as they are. */
function fileName(key: string): string {
  return key.replace(/Ms$/, '').replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

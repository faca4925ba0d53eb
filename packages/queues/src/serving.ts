import { setTimeout } from 'node:timers/promises';
import { UnreachableError } from '@spica/core';
import type { Redis } from 'ioredis';

/** BullMQ and the catalog's operations need this version. */
const LEAST = [6, 2] as const;
const LOADING_POLL_MS = 100;

export type RedisInfo = ReadonlyMap<string, string>;

/** The fields of Redis's INFO, by name. Throws what Redis answers. */
export async function readRedisInfo(redis: Redis): Promise<RedisInfo> {
  const pairs = (await redis.info()).split(/\r?\n/).flatMap((line): [string, string][] => {
    const at = line.indexOf(':');
    return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
  });
  return new Map(pairs);
}

/**
 * Throws UnreachableError REDIS_TOO_OLD with the version. A fork of Redis gives the version of Redis that it stands in
 * for; what is no version is not refused.
 */
export function requireVersion(info: RedisInfo, where: string): void {
  const version = info.get('redis_version') ?? '';
  const [major = Number.NaN, minor = Number.NaN] = version.split('.').map(Number);
  if (!(major < LEAST[0] || (major === LEAST[0] && minor < LEAST[1]))) return;
  throw new UnreachableError(
    'REDIS_TOO_OLD',
    `Redis at ${where} is version ${version}, and Spica needs ${LEAST.join('.')} or later: upgrade it, best to 7`,
    { version },
  );
}

/**
 * Resolves when a Redis serves commands: at once where `info` says that its data is loaded. Throws what it answers
 * (LOADING) when it is still loading after `ms`.
 */
export async function waitWhileLoading(redis: Redis, info: RedisInfo, ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  let loading = info.get('loading');
  while (loading === '1') {
    if (performance.now() >= deadline) await redis.ping(); // refused with LOADING
    await setTimeout(LOADING_POLL_MS);
    loading = (await readRedisInfo(redis)).get('loading');
  }
}

import { type Config, formatBytes, type UnreachableError } from '@spica/core';
import { describeTarget, readRedisInfo, redisTargetOf } from '@spica/queues';
import type { Redis } from 'ioredis';
import { AS_ITS_USER, isClosedToUser } from '../context/redis.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

/** What is older is not tested. */
const TESTED_MAJOR = 7;

/** More of its memory in use than this share of its limit is told before writes are refused. */
const MUCH = 0.9;

/** Is the Redis there what Spica needs? It changes nothing: INFO tells all of it. */
export async function checkRedis(config: Config, redis: Redis): Promise<Finding[]> {
  const where = describeTarget(redisTargetOf(config));
  const info = await readRedisInfo(redis);
  return [checkVersion(where, info), checkMemory(info), checkPersistence(info)];
}

/** Does Redis take writes? `problem`: what `whyNoWrites` says. */
export function checkWrites(problem: UnreachableError | null): Finding {
  if (problem === null) return ok('Redis writes', 'it takes them');
  const advice = 'until it takes writes again, `spica prune --offline` makes room on the disk';
  return fail('Redis writes', problem.message, advice);
}

/** What to say where Redis does not answer, or refuses: the embedded one need not run yet. */
export function withoutRedis(config: Config, error: UnreachableError): Finding {
  if (error.code !== 'REDIS_UNREACHABLE') return fail('Redis', error.message, 'see above');
  if (config.redis.url === null && isClosedToUser(error)) return fail('Redis', error.message, AS_ITS_USER);
  if (config.redis.url === null)
    return warn('Redis', 'the embedded Redis does not run', 'start it with `spica up`');
  return fail('Redis', error.message, 'start it, or set REDIS_URL to where it is');
}

function checkVersion(where: string, info: ReadonlyMap<string, string>): Finding {
  const version = info.get('redis_version') ?? 'unknown';
  const [major = 0] = version.split('.').map(Number);
  const found = `${version} at ${where}`;
  return major < TESTED_MAJOR
    ? warn('Redis', found, `upgrade it to ${TESTED_MAJOR}, which is tested`)
    : ok('Redis', found);
}

function checkMemory(info: ReadonlyMap<string, string>): Finding {
  const check = 'Redis memory';
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  if (policy !== 'noeviction') {
    const advice = '`CONFIG SET maxmemory-policy noeviction`, and in redis.conf';
    return fail(check, `maxmemory-policy is ${policy}: it may drop jobs and leases`, advice);
  }
  const [used, most] = ['used_memory', 'maxmemory'].map((field) => Number(info.get(field) ?? 0));
  if (!used || !most) return ok(check, 'it evicts nothing, and has no limit of its own');
  const found = `${formatBytes(used)} in use of ${formatBytes(most)} (maxmemory); it evicts nothing`;
  const advice = 'raise maxmemory, or remove what others keep there';
  if (used >= most) return fail(check, `${found}, so it refuses writes`, advice);
  return used >= MUCH * most ? warn(check, found, advice) : ok(check, found);
}

function checkPersistence(info: ReadonlyMap<string, string>): Finding {
  if (info.get('aof_enabled') === '1') {
    if ((info.get('aof_last_write_status') ?? 'ok') === 'ok')
      return ok('Redis persistence', 'append-only file');
    return fail('Redis persistence', 'the append-only file cannot be written', 'make room on its disk');
  }
  const lost =
    'what it holds is lost when it ends; the catalog is then rebuilt from disk, and deletions wait';
  return warn(
    'Redis persistence',
    `appendonly is off: ${lost}`,
    '`CONFIG SET appendonly yes`, and in redis.conf',
  );
}

import { UnreachableError, UsageError } from '@spica/core';
import type { RedisTarget } from '@spica/queues';
import type { Transport } from './transport.ts';

export interface ConnectOptions {
  /** Of an HTTP API: `https://spica.example:3737`. By default `SPICA_URL`. */
  readonly url?: string;
  /** The token that the HTTP API at `url` asks for (`spica token create`). By default `SPICA_TOKEN`. */
  readonly token?: string;
  /** The unix socket of an HTTP API on this machine (`api.sock` in the state directory), which asks for no token. */
  readonly socket?: string;
  /** Of the Redis that the pool's queues are in: `redis://…`, or the path of its unix socket. By default `REDIS_URL`. */
  readonly redisUrl?: string;
  /** Name of the pool; by default the only one that is served there. */
  readonly pool?: string;
}

const OPTIONS: readonly string[] = [
  'url',
  'token',
  'socket',
  'redisUrl',
  'pool',
] satisfies (keyof ConnectOptions)[];

/**
 * Reaches a pool in the way that the options say, else the environment (`SPICA_URL`, then `REDIS_URL`), else through the
 * stack that this user runs on this machine: its HTTP API's socket where it answers for the pool, else its Redis. What a way
 * needs is loaded only where it is taken: BullMQ, for Redis.
 *
 * @internal
 */
export async function connect(options: ConnectOptions, env: Environment = process.env): Promise<Transport> {
  requireKnown(options);
  const { url, token, socket, redisUrl, pool: asked } = options;
  requireOneWay({ url, socket, redisUrl });
  const pool = asked ?? null;
  if (url !== undefined) return overUrl(url, token ?? env['SPICA_TOKEN'], pool);
  if (socket !== undefined) return overSocket(socket, pool);
  if (redisUrl !== undefined) return overRedis(redisUrl, pool);
  if (env['SPICA_URL']) return overUrl(env['SPICA_URL'], token ?? env['SPICA_TOKEN'], pool);
  if (env['REDIS_URL']) return overRedis(env['REDIS_URL'], pool);
  return overLocalStack(pool, env);
}

type Environment = Readonly<Record<string, string | undefined>>;

function requireKnown(options: ConnectOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown === undefined) return;
  const message = `connect: ${unknown}: unknown option (expected some of: ${OPTIONS.join(', ')})`;
  throw new UsageError('CONNECT_INVALID', message, { field: unknown });
}

function requireOneWay(ways: Readonly<Record<'url' | 'socket' | 'redisUrl', string | undefined>>): void {
  const given = Object.entries(ways).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length <= 1) return;
  const message = `connect: expected one of url, socket and redisUrl, got ${given.join(' and ')}`;
  throw new UsageError('CONNECT_INVALID', message, { field: given[1] });
}

async function overUrl(url: string, token: string | undefined, pool: string | null): Promise<Transport> {
  const { atUrl, openHttpTransport } = await import('./http/index.ts');
  return openHttpTransport(atUrl(url, token || null), { pool });
}

async function overSocket(path: string, pool: string | null): Promise<Transport> {
  const { atSocket, openHttpTransport } = await import('./http/index.ts');
  return openHttpTransport(atSocket(path), { pool });
}

async function overRedis(
  where: string,
  pool: string | null,
  { mustBeKnown = false } = {},
): Promise<Transport> {
  const { openRedisTransport } = await import('./redis/index.ts');
  return openRedisTransport(targetOf(where), { pool, mustBeKnown });
}

/** A URL may have a password in it, so it is not quoted. */
function targetOf(where: string): RedisTarget {
  if (where.startsWith('/')) return { socket: where };
  if (/^rediss?:\/\//.test(where) && URL.canParse(where)) return { url: where };
  const message = 'connect: redisUrl: expected a URL like redis://host:6379, or the path of a unix socket';
  throw new UsageError('CONNECT_INVALID', message, { field: 'redisUrl' });
}

/**
 * Where nobody answers at the API's socket, there may still be a Redis with the pool's queue. Where the API does not know the
 * pool, that Redis has to: in the queue of a pool that there is not, a request would wait for ever.
 */
async function overLocalStack(pool: string | null, env: Environment): Promise<Transport> {
  const { localSockets } = await import('./local-stack.ts');
  const { api, redis } = localSockets(env);
  try {
    return await overSocket(api, pool);
  } catch (error) {
    if (error instanceof UnreachableError) return overRedis(redis, pool);
    if (!isPoolUnknown(error)) throw error;
    return overRedis(redis, pool, { mustBeKnown: true }).catch((ofRedis: unknown) => {
      throw isPoolUnknown(ofRedis) || ofRedis instanceof UnreachableError ? error : ofRedis;
    });
  }
}

function isPoolUnknown(error: unknown): boolean {
  return error instanceof UsageError && error.code === 'POOL_UNKNOWN';
}

import type { Transport } from './transport.ts';

export interface ConnectOptions {
  /** `redis://…`; by default `REDIS_URL`, else the Redis that `spica up` runs on this machine for this user. */
  readonly redisUrl?: string;
  /** The unix socket of a Redis, in place of a URL. */
  readonly socket?: string;
  /** Name of the pool; by default the only one that is served there. */
  readonly pool?: string;
}

/**
 * Reaches a pool in the way that the options or the environment say. What a way needs is loaded only where it is taken:
 * BullMQ, for Redis.
 *
 * @internal
 */
export async function connect({ redisUrl, socket, pool }: ConnectOptions): Promise<Transport> {
  const { openRedisTransport, targetFromEnvironment } = await import('./redis/index.ts');
  const given = redisUrl === undefined ? socket && { socket } : { url: redisUrl };
  return openRedisTransport(given || targetFromEnvironment(process.env), { pool: pool ?? null });
}

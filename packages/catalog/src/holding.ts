import type { Redis } from 'ioredis';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import { heldSchema, readJson } from './stored.ts';

/** Longer than any request is held. */
const CANCELLED_SECONDS = 30 * 86_400;

/** The requests that the gate holds. */
export function createHolding(
  redis: Redis,
  keys: Keys,
): Pick<Catalog, 'hold' | 'release' | 'held' | 'cancel' | 'isCancelled'> {
  return {
    async hold(request, why) {
      await redis.hset(keys.held, request, JSON.stringify(why));
    },
    async release(request) {
      await redis.hdel(keys.held, request);
    },
    async cancel(request) {
      await redis.set(keys.cancelled(request), '1', 'EX', CANCELLED_SECONDS);
      await redis.publish(keys.changed, request);
    },
    async isCancelled(request) {
      return (await redis.exists(keys.cancelled(request))) === 1;
    },
    async held() {
      const stored = await redis.hgetall(keys.held);
      return Object.entries(stored)
        .map(([request, text]) => {
          const { at, submittedAt, reason, count } = readJson(heldSchema, keys.held, text);
          return { request, heldAt: at, submittedAt, reason, count };
        })
        .sort((a, b) => a.heldAt - b.heldAt || (a.request < b.request ? -1 : 1));
    },
  };
}

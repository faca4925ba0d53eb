import type { Redis } from 'ioredis';
import type { Keys } from './keys.ts';

/** Of which instances somebody was told before they go. */
export interface Told {
  /**
   * Notes that these go at these times (epoch milliseconds), and resolves with the ids that nobody was told of for this
   * time: one that was told of, and goes a day later or more than was said then, is told of anew.
   */
  noteTold(
    going: readonly { readonly id: string; readonly goesAt: number }[],
    now: number,
  ): Promise<string[]>;
}

const DAY_MS = 86_400_000;

export function createTold(redis: Redis, keys: Keys): Told {
  return {
    async noteTold(going, now) {
      await redis.zremrangebyscore(keys.told, '-inf', now - DAY_MS); // they are gone, or go at another time
      if (going.length === 0) return [];
      const known = await redis.zmscore(keys.told, ...going.map(({ id }) => id));
      const fresh = going.filter(({ goesAt }, i) => {
        const told = known[i] ?? null;
        return told === null || goesAt - Number(told) >= DAY_MS;
      });
      if (fresh.length > 0) await redis.zadd(keys.told, ...fresh.flatMap(({ id, goesAt }) => [goesAt, id]));
      return fresh.map(({ id }) => id);
    },
  };
}

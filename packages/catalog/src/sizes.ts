import type { Redis } from 'ioredis';
import type { Catalog } from './catalog.ts';
import type { keysOf } from './keys.ts';
import type { defineOperations } from './ops.ts';
import { readRecord } from './stored.ts';

type Keys = ReturnType<typeof keysOf>;
type Run = ReturnType<typeof defineOperations>;

/** Sizes kept per template: the newest of so many instances. */
const KEEP = 1_000;

/** Samples, and what those of a template say. */
export function createSizes(redis: Redis, keys: Keys, run: Run): Pick<Catalog, 'recordSample' | 'sizeOf'> {
  return {
    async recordSample(id, template, sample, ownBytes) {
      const key = keys.instance(id);
      const text = await redis.hget(key, 'record');
      if (text === null) return false;
      const record = { ...readRecord(key, text), sample };
      const { ages, bytes, inodes } = keys.sizes(template);
      const args = [id, JSON.stringify(record), sample.at, ownBytes, sample.inodes, KEEP];
      return (await run('record_sample', [key, ages, bytes, inodes], args)) === 1;
    },

    /** By rank, so its cost does not grow with the number of sizes. Nearest-rank percentile. */
    async sizeOf(template) {
      const { bytes, inodes } = keys.sizes(template);
      const n = await redis.zcard(bytes);
      if (n === 0) return null;
      const rank = String(Math.ceil(0.95 * n) - 1);
      const [byBytes, byInodes] = await Promise.all([
        redis.zrange(bytes, rank, rank, 'WITHSCORES'),
        redis.zrange(inodes, rank, rank, 'WITHSCORES'),
      ]);
      return { n, bytes: Number(byBytes[1]), inodes: Number(byInodes[1]) };
    },
  };
}

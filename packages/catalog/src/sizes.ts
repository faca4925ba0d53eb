import type { Redis } from 'ioredis';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';

/** Sizes kept per template and per experiment: the newest of so many instances. */
const KEEP = 1_000;

/** Samples, and what those of a template or an experiment say. */
export function createSizes(
  redis: Redis,
  keys: Keys,
  run: Run,
): Pick<Catalog, 'recordSample' | 'recordSize' | 'sizesOf'> {
  return {
    async recordSample(id, sample, { bytes, inodes, endsAt }) {
      const args = [id, JSON.stringify(sample), bytes, inodes, endsAt];
      return (await run('record_sample', [keys.instance(id), keys.totals, keys.growth], args)) === 1;
    },

    async recordSize(of, { id, at, bytes, inodes }) {
      const { ages, bytes: byBytes, inodes: byInodes } = keys.sizes(of);
      await run('record_size', [ages, byBytes, byInodes], [id, at, bytes, inodes, KEEP]);
    },

    /** By rank, so its cost does not grow with the number of sizes. Nearest-rank percentiles. */
    async sizesOf(of) {
      const { bytes, inodes } = keys.sizes(of);
      const n = await redis.zcard(bytes);
      if (n === 0) return null;
      const pipeline = redis.pipeline();
      const ranks = [0.5, 0.95, 1].map((share) => String(Math.ceil(share * n) - 1));
      for (const key of [bytes, inodes])
        for (const rank of ranks) pipeline.zrange(key, rank, rank, 'WITHSCORES');
      const replies = (await pipeline.exec()) ?? [];
      const scores = replies.map(([failed, reply]) => {
        if (failed) throw failed;
        return Number((reply as string[])[1] ?? 0);
      });
      const [p50 = 0, p95 = 0, max = 0, inodesP50 = 0, inodesP95 = 0, inodesMax = 0] = scores;
      return { n, bytes: { p50, p95, max }, inodes: { p50: inodesP50, p95: inodesP95, max: inodesMax } };
    },
  };
}

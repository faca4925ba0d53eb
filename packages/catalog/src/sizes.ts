import { MOST_FINISHED, type Profile, profileOf } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';
import { readJson } from './stored.ts';

/** Experiments end, and each has a name of its own. */
const EXPERIMENT_SECONDS = 90 * 86_400;

const size = z.strictObject({ bytes: z.number(), inodes: z.number() });

const finishedSchema = z.strictObject({
  at: z.number(),
  final: size,
  clone: size,
  grewForMs: z.number(),
  predicted: size.nullable(),
});

const spread = z.strictObject({ p50: z.number(), p95: z.number(), max: z.number() });

const profileSchema: z.ZodType<Profile> = z.strictObject({
  n: z.number(),
  bytes: spread,
  inodes: spread,
  bytesPerHour: spread.nullable(),
  predictions: z.strictObject({ n: z.number(), ratio: spread, exceeded: z.number() }).nullable(),
});

/** Samples, when the next are due, and what instances of a template or an experiment become. */
export function createSizes(
  redis: Redis,
  keys: Keys,
  run: Run,
): Pick<Catalog, 'recordSample' | 'listDue' | 'recordFinished' | 'refreshProfile' | 'profileOf'> {
  return {
    async recordSample(id, sample, { growth, dueAt, seen }) {
      const places = [keys.instance(id), keys.totals, keys.growth, keys.due];
      const args = [
        id,
        JSON.stringify(sample),
        growth.bytes,
        growth.inodes,
        growth.endsAt,
        dueAt,
        sample.ownBytes,
        seen.lease?.expiresAt ?? '',
        seen.lastLeasedAt ?? '',
      ];
      return (await run('record_sample', places, args)) as 'kept' | 'absent' | 'changed';
    },

    listDue: (now, most) => redis.zrange(keys.due, '-inf', String(now), 'BYSCORE', 'LIMIT', 0, most),

    async recordFinished(of, id, finished) {
      const { finished: place, ages } = keys.sizes(of);
      const facts = [id, finished.at, JSON.stringify(finished)];
      await run('record_size', [place, ages], [...facts, MOST_FINISHED, secondsToKeep(of) ?? '']);
    },

    async refreshProfile(of) {
      const { finished, profile } = keys.sizes(of);
      const texts = await redis.hvals(finished);
      const found = profileOf(texts.map((text) => readJson(finishedSchema, finished, text)));
      if (!found) return;
      const seconds = secondsToKeep(of);
      if (seconds === null) await redis.set(profile, JSON.stringify(found));
      else await redis.set(profile, JSON.stringify(found), 'EX', seconds);
    },

    /** Kept ready, so that no decision has to read a thousand sizes. */
    async profileOf(of) {
      const { profile } = keys.sizes(of);
      const text = await redis.get(profile);
      return text === null ? null : readJson(profileSchema, profile, text);
    },
  };
}

/** How long sizes are kept after the last of them was; null for good. */
function secondsToKeep(of: string): number | null {
  return of.startsWith('experiment:') ? EXPERIMENT_SECONDS : null;
}

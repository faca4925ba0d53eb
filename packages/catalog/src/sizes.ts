import {
  addSize,
  type Finished,
  type InstanceRecord,
  MOST_FINISHED,
  type Profile,
  profileOf,
  type Sample,
  type SetSize,
  type SizePoint,
  writeSizes,
} from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';
import { fromFields, pairUp, readJson } from './stored.ts';

/** Experiments end, and each has a name of its own. */
const EXPERIMENT_SECONDS = 90 * 86_400;

/** So long is remembered what was forgotten: no instance is there for longer, but for pinned ones. */
const FORGOTTEN_SECONDS = 365 * 86_400;

const size = z.strictObject({ bytes: z.number(), inodes: z.number() });

const finishedSchema = z.strictObject({
  at: z.number(),
  final: size,
  clone: size,
  grewForMs: z.number(),
  predicted: size.nullable(),
});

const setSizeSchema: z.ZodType<SetSize> = z.strictObject({ bytes: z.number().min(0), by: z.string() });

const spread = z.strictObject({ p50: z.number(), p95: z.number(), max: z.number() });

const profileSchema: z.ZodType<Profile> = z.strictObject({
  n: z.number(),
  bytes: spread,
  inodes: spread,
  bytesPerHour: spread.nullable(),
  predictions: z
    .strictObject({
      n: z.number(),
      ratio: spread,
      predictedBytes: z.number().nullable().default(null),
      actualBytes: z.number().nullable().default(null),
      exceeded: z.number(),
    })
    .nullable(),
});

/** Samples, when the next are due, and what instances of a template or an experiment become. */
export interface Sizes {
  /**
   * Keeps an instance's newest sample, how its size went until then, and when it is due again (epoch milliseconds).
   * Resolves with what is known of it at that moment; null where it is gone.
   */
  recordSample(
    id: string,
    sample: Sample,
    dueAt: number,
    sizes?: readonly SizePoint[],
  ): Promise<InstanceRecord | null>;
  /** Ids of instances that are to be measured at `now`, longest overdue first. Reads no instance. */
  listDue(now: number, most: number): Promise<string[]>;
  /** Keeps what an instance became among the newest of `template:…`, `experiment:…` or `replica:…`. */
  recordFinished(of: string, id: string, finished: Finished): Promise<void>;
  /** What the newest became, by their ids, the largest first. */
  readFinished(of: string): Promise<readonly { readonly id: string; readonly finished: Finished }[]>;
  /**
   * Forgets what instances became, all of them or one, for good: they are not recorded again when they are deleted.
   * Resolves with how many there were. Whoever serves the pool hears of it.
   */
  forgetFinished(of: string, id: string | null): Promise<number>;
  /** What an operator says that instances of `template:…` or `experiment:…` become; null has it measured again. */
  setSize(of: string, set: SetSize | null): Promise<void>;
  readSetSize(of: string): Promise<SetSize | null>;
  /** Recomputes the stored profile from the stored sizes: call it after `recordFinished`. */
  refreshProfile(of: string): Promise<void>;
  /** What the newest finished instances say; null without any. */
  readProfile(of: string): Promise<Profile | null>;
  /** The profiles there are of `template:…` and `experiment:…`, those first whose instances finished last, at most so many. */
  listProfiles(most: number): Promise<readonly ListedProfile[]>;
}

export interface ListedProfile {
  readonly of: string;
  readonly profile: Profile;
  /** What an operator has said instead; null for nothing. */
  readonly set: SetSize | null;
}

export function createSizes(redis: Redis, keys: Keys, run: Run): Sizes {
  return {
    async recordSample(id, sample, dueAt, sizes = addSize([], [sample.at, sample.ownBytes])) {
      const args = [id, JSON.stringify(sample), dueAt, writeSizes(sizes)];
      const flat = (await run('record_sample', args)) as string[];
      return flat.length === 0 ? null : fromFields(keys.instance(id), pairUp(flat)).record;
    },

    listDue: (now, most) => redis.zrange(keys.due, '-inf', String(now), 'BYSCORE', 'LIMIT', 0, most),

    async recordFinished(of, id, finished) {
      const facts = [of, id, finished.at, JSON.stringify(finished)];
      await run('record_size', [...facts, MOST_FINISHED, secondsToKeep(of) ?? '']);
    },

    async readFinished(of) {
      const { finished } = keys.sizes(of);
      return Object.entries(await redis.hgetall(finished))
        .map(([id, text]) => ({ id, finished: readJson(finishedSchema, finished, text) }))
        .sort((a, b) => b.finished.final.bytes - a.finished.final.bytes || (a.id < b.id ? -1 : 1));
    },

    async forgetFinished(of, id) {
      const forgotten = (await run('forget_sizes', [of, id ?? '', FORGOTTEN_SECONDS])) as number;
      await refreshProfile(of);
      await redis.publish(keys.changed, `profile ${of}`);
      return forgotten;
    },

    async setSize(of, set) {
      if (set === null) await redis.hdel(keys.setSizes, of);
      else await redis.hset(keys.setSizes, of, JSON.stringify(set));
      await redis.publish(keys.changed, `profile ${of}`);
    },

    async readSetSize(of) {
      const text = await redis.hget(keys.setSizes, of);
      return text === null ? null : readJson(setSizeSchema, keys.setSizes, text);
    },

    refreshProfile,

    /** Kept ready, so that nobody has to read a thousand sizes. */
    async readProfile(of) {
      const { profile } = keys.sizes(of);
      const text = await redis.get(profile);
      return text === null ? null : readJson(profileSchema, profile, text);
    },

    async listProfiles(most) {
      const names = await redis.zrange(keys.profiled, '0', String(most - 1), 'REV');
      if (names.length === 0) return [];
      const [texts, sets] = await Promise.all([
        redis.mget(names.map((of) => keys.sizes(of).profile)),
        redis.hmget(keys.setSizes, ...names),
      ]);
      return names.flatMap((of, i) => {
        const [text, set] = [texts[i] ?? null, sets[i] ?? null];
        if (text === null) return []; // forgotten, or its time is over
        return {
          of,
          profile: readJson(profileSchema, keys.sizes(of).profile, text),
          set: set === null ? null : readJson(setSizeSchema, keys.setSizes, set),
        };
      });
    },
  };

  async function refreshProfile(of: string): Promise<void> {
    const { finished, profile } = keys.sizes(of);
    const texts = await redis.hvals(finished);
    const found = profileOf(texts.map((text) => readJson(finishedSchema, finished, text)));
    const seconds = secondsToKeep(of);
    if (!found) await redis.del(profile);
    else if (seconds === null) await redis.set(profile, JSON.stringify(found));
    else await redis.set(profile, JSON.stringify(found), 'EX', seconds);
  }
}

/** How long sizes are kept after the last of them was; null for good. */
function secondsToKeep(of: string): number | null {
  return of.startsWith('experiment:') ? EXPERIMENT_SECONDS : null;
}

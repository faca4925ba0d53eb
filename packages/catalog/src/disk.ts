import { type DiskPoint, type HistoryMark, PRESSURE_LEVELS } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from './keys.ts';
import { readJson } from './stored.ts';
import type { Pressure } from './values.ts';

/** What the watch over a pool's disk remembers beyond a restart. */
export interface Disk {
  /** Oldest first, from `from` (epoch milliseconds) on. */
  diskHistory(from?: number): Promise<DiskPoint[]>;
  /** Writes only what is another than when this catalog saved it last, as far as Redis still has that. */
  saveDiskHistory(history: readonly DiskPoint[]): Promise<void>;
  /** What happened to the pool, oldest first, and up to which line of the audit log (`seq`; 0 for none). */
  diskMarks(): Promise<DiskMarks>;
  saveDiskMarks(marks: DiskMarks): Promise<void>;
  pressure(): Promise<Pressure | null>;
  savePressure(pressure: Pressure): Promise<void>;
}

export interface DiskMarks {
  readonly seq: number;
  readonly marks: readonly HistoryMark[];
}

const pressureSchema = z.strictObject({
  level: z.enum(PRESSURE_LEVELS),
  since: z.number(),
  at: z.number(),
  reason: z.string().nullable().default(null),
});

const bytes = z.number();
/** In the order of `toTuple`: some hundred points are kept, and read as a whole. */
const pointSchema = z.tuple([z.number(), bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes.nullable()]);

const marksSchema: z.ZodType<DiskMarks> = z.object({
  seq: z.number(),
  marks: z.array(
    z.object({
      kind: z.enum(['deletion', 'held', 'level', 'cap']),
      since: z.number(),
      at: z.number(),
      count: z.number(),
      bytes: z.number(),
      worst: z.enum(PRESSURE_LEVELS).nullable(),
      text: z.string(),
      seq: z.number(),
    }),
  ),
});

export function createDisk(redis: Redis, keys: Keys): Disk {
  const read = async <T>(schema: z.ZodType<T>, key: string): Promise<T | null> => {
    const text = await redis.get(key);
    return text === null ? null : readJson(schema, key, text);
  };
  /** The times of the points that were saved last; null before the first. */
  let saved: ReadonlySet<number> | null = null;

  /** What is new is added, what was thinned out goes: Redis's log would grow by all of them each time. */
  async function saveChanges(history: readonly DiskPoint[], before: ReadonlySet<number>): Promise<boolean> {
    const times = new Set(history.map(({ at }) => at));
    const added = history.filter(({ at }) => !before.has(at));
    const changed = [...before].filter((at) => !times.has(at)).concat(added.map(({ at }) => at));
    const pipeline = redis.multi();
    for (const at of changed) pipeline.zremrangebyscore(keys.diskHistory, at, at);
    if (added.length > 0) pipeline.zadd(keys.diskHistory, ...added.flatMap(toMember));
    pipeline.zcard(keys.diskHistory);
    const replies = (await pipeline.exec()) ?? [];
    for (const [failed] of replies) if (failed) throw failed;
    return replies.at(-1)?.[1] === history.length;
  }

  return {
    async diskHistory(from) {
      const members = await redis.zrange(keys.diskHistory, from ?? '-inf', '+inf', 'BYSCORE');
      return members.map((text) => toPoint(readJson(pointSchema, keys.diskHistory, text)));
    },
    async saveDiskHistory(history) {
      const before = saved;
      saved = null; // what fails half way is written as a whole the next time
      const isWhole = before !== null && (await saveChanges(history, before));
      if (!isWhole) {
        const whole = redis.multi().del(keys.diskHistory);
        if (history.length > 0) whole.zadd(keys.diskHistory, ...history.flatMap(toMember));
        for (const [failed] of (await whole.exec()) ?? []) if (failed) throw failed;
      }
      saved = new Set(history.map(({ at }) => at));
    },
    diskMarks: async () => (await read(marksSchema, keys.diskMarks)) ?? { seq: 0, marks: [] },
    async saveDiskMarks(marks) {
      await redis.set(keys.diskMarks, JSON.stringify(marks));
    },
    pressure: () => read(pressureSchema, keys.pressure),
    async savePressure(pressure) {
      await redis.set(keys.pressure, JSON.stringify(pressure));
    },
  };
}

function toMember(point: DiskPoint): [score: number, member: string] {
  const { at, availableBytes, instancesBytes, trashBytes, templatesBytes, othersBytes } = point;
  const { growthBytes, reservedBytes, hostAvailableBytes } = point;
  const used = [availableBytes, instancesBytes, trashBytes, templatesBytes, othersBytes];
  return [at, JSON.stringify([at, ...used, growthBytes, reservedBytes, hostAvailableBytes])];
}

function toPoint(tuple: z.infer<typeof pointSchema>): DiskPoint {
  const [at, availableBytes, instancesBytes, trashBytes, templatesBytes, othersBytes] = tuple;
  const [growthBytes, reservedBytes, hostAvailableBytes] = [tuple[6], tuple[7], tuple[8]];
  const used = { at, availableBytes, instancesBytes, trashBytes, templatesBytes, othersBytes };
  return { ...used, growthBytes, reservedBytes, hostAvailableBytes };
}

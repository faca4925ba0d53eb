import { CheckError, instanceRecordSchema } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from './keys.ts';
import { readJson } from './stored.ts';
import type { GoneRecord, LeftNote, Note, Tombstone } from './values.ts';

const KEEP_SECONDS = 30 * 86_400;
/** Long enough for whoever used it to ask, and short where thousands go in an hour. */
const KEEP_GONE_SECONDS = 3 * 86_400;

const goneSchema: z.ZodType<GoneRecord> = z.object({
  timestamp: z.string(),
  action: z.string(),
  pool: z.string(),
  request: z.string().nullable(),
  instance: z.string(),
  reason: z.string().nullable(),
  bytes: z.number().nullable(),
  outcome: z.string(),
});

const tombstoneSchema = z.strictObject({ lastSeenAt: z.number().nullable(), record: instanceRecordSchema });
/** The chain of the audit log is not for notes to say. */
const chains = z.never('is set by the audit log itself').optional();

/** A line of the audit log may be made of it as it is. */
const noteSchema: z.ZodType<Note> = z.looseObject({
  action: z.string(),
  outcome: z.string(),
  request: z.string().nullish(),
  instance: z.string().nullish(),
  reason: z.string().nullish(),
  bytes: z.number().nullish(),
  dry_run: z.boolean().optional(),
  seq: chains,
  prev: chains,
  timestamp: chains,
  pool: chains,
});

/** What is left of instances that vanished, and what operators forced: for whoever asks later. */
export interface Tombstones {
  /** Remembers for 30 days an instance that vanished from the disk. */
  bury(tombstone: Tombstone): Promise<void>;
  tombstone(id: string): Promise<Tombstone | null>;
  /** Remembers for three days what the audit log says of deletions. */
  rememberGone(records: readonly GoneRecord[]): Promise<void>;
  /** What the audit log says of an instance's deletion; null where that is not known (any more). */
  gone(id: string): Promise<GoneRecord | null>;
  /** Leaves an audit entry for the worker, which writes the log. */
  leaveNote(note: Note): Promise<void>;
  /** The oldest notes, at most so many. They stay until they are dropped. */
  readNotes(most: number): Promise<LeftNote[]>;
  /** Forgets the oldest: those that were written. For the one process that serves the pool, one call at a time. */
  dropNotes(count: number): Promise<void>;
}

export function createTombstones(redis: Redis, keys: Keys): Tombstones {
  return {
    async bury(tombstone) {
      await redis.set(keys.tombstone(tombstone.record.id), JSON.stringify(tombstone), 'EX', KEEP_SECONDS);
    },
    async tombstone(id) {
      const text = await redis.get(keys.tombstone(id));
      return text === null ? null : readJson(tombstoneSchema, keys.tombstone(id), text);
    },
    async rememberGone(records) {
      const remember = (record: (typeof records)[number]) =>
        redis.set(keys.gone(record.instance), JSON.stringify(record), 'EX', KEEP_GONE_SECONDS);
      await Promise.all(records.map(remember));
    },
    async gone(id) {
      const text = await redis.get(keys.gone(id));
      return text === null ? null : readJson(goneSchema, keys.gone(id), text);
    },
    async leaveNote(note) {
      await redis.rpush(keys.notes, JSON.stringify(note));
      await redis.publish(keys.changed, 'note left');
    },
    async readNotes(most) {
      const texts = await redis.lrange(keys.notes, 0, most - 1);
      return texts.map((text) => readNote(keys.notes, text));
    },
    async dropNotes(count) {
      await redis.ltrim(keys.notes, count, -1);
    },
  };
}

function readNote(key: string, text: string): LeftNote {
  try {
    return { note: readJson(noteSchema, key, text), problem: null };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return { note: null, problem: error.message };
  }
}

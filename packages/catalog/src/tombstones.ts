import { instanceRecordSchema } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import { readJson } from './stored.ts';

const KEEP_SECONDS = 30 * 86_400;

const tombstoneSchema = z.strictObject({ lastSeenAt: z.number().nullable(), record: instanceRecordSchema });
const noteSchema = z.looseObject({ action: z.string(), outcome: z.string() });

/** What is left of instances that vanished, and what operators forced: for whoever asks later. */
export function createTombstones(
  redis: Redis,
  keys: Keys,
): Pick<Catalog, 'bury' | 'tombstone' | 'leaveNote' | 'takeNotes' | 'putBackNotes'> {
  return {
    async bury(tombstone) {
      await redis.set(keys.tombstone(tombstone.record.id), JSON.stringify(tombstone), 'EX', KEEP_SECONDS);
    },
    async tombstone(id) {
      const text = await redis.get(keys.tombstone(id));
      return text === null ? null : readJson(tombstoneSchema, keys.tombstone(id), text);
    },
    async leaveNote(note) {
      await redis.rpush(keys.notes, JSON.stringify(note));
      await redis.publish(keys.changed, 'note');
    },
    async takeNotes(most) {
      const texts = (await redis.lpop(keys.notes, most)) ?? [];
      return texts.map((text) => readJson(noteSchema, keys.notes, text));
    },
    async putBackNotes(notes) {
      const texts = notes.map((note) => JSON.stringify(note)).reverse();
      if (texts.length > 0) await redis.lpush(keys.notes, ...texts);
    },
  };
}

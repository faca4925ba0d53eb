import { type DiskPoint, PRESSURE_LEVELS } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from './keys.ts';
import { readJson } from './stored.ts';
import type { Pressure } from './values.ts';

/** What the watch over a pool's disk remembers beyond a restart. */
export interface Disk {
  /** Oldest first. */
  diskHistory(): Promise<DiskPoint[]>;
  saveDiskHistory(history: readonly DiskPoint[]): Promise<void>;
  pressure(): Promise<Pressure | null>;
  savePressure(pressure: Pressure): Promise<void>;
}

const pressureSchema = z.strictObject({
  level: z.enum(PRESSURE_LEVELS),
  since: z.number(),
  at: z.number(),
  reason: z.string().nullable().default(null),
});

const pointSchema = z.strictObject({
  at: z.number(),
  availableBytes: z.number(),
  instancesBytes: z.number(),
  trashBytes: z.number(),
  templatesBytes: z.number(),
  othersBytes: z.number(),
});

export function createDisk(redis: Redis, keys: Keys): Disk {
  const read = async <T>(schema: z.ZodType<T>, key: string): Promise<T | null> => {
    const text = await redis.get(key);
    return text === null ? null : readJson(schema, key, text);
  };
  return {
    diskHistory: async () => (await read(z.array(pointSchema), keys.history)) ?? [],
    async saveDiskHistory(history) {
      await redis.set(keys.history, JSON.stringify(history));
    },
    pressure: () => read(pressureSchema, keys.pressure),
    async savePressure(pressure) {
      await redis.set(keys.pressure, JSON.stringify(pressure));
    },
  };
}

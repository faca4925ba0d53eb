import type { Breaker, SpawnStart } from '@spica/core';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import { readJson } from './stored.ts';

const gateSchema = z.strictObject({
  breaker: z.strictObject({
    failures: z.number(),
    openedAt: z.number().nullable(),
    trial: z.strictObject({ request: z.string(), since: z.number() }).nullable(),
  }),
  starts: z.array(
    z.strictObject({ at: z.number(), count: z.number(), request: z.string().nullable().default(null) }),
  ),
});

const pressureSchema = z.strictObject({
  level: z.enum(['ok', 'low', 'short', 'critical']),
  since: z.number(),
  at: z.number(),
});

const pointSchema = z.strictObject({
  at: z.number(),
  availableBytes: z.number(),
  instancesBytes: z.number(),
  trashBytes: z.number(),
  templatesBytes: z.number(),
  othersBytes: z.number(),
});

/** What was released, and for which request, as long as none of its spawns has ended. */
export interface RequestStart extends SpawnStart {
  readonly request: string | null;
}

/** What the gate's limits have seen. */
export interface GateState {
  readonly breaker: Breaker;
  readonly starts: readonly RequestStart[];
}

/** What gate and watch over the disk remember beyond a restart. */
export function createGateState(
  redis: Redis,
  keys: Keys,
): Pick<
  Catalog,
  'gateState' | 'saveGateState' | 'diskHistory' | 'saveDiskHistory' | 'pressure' | 'savePressure'
> {
  const read = async <T>(schema: z.ZodType<T>, key: string): Promise<T | null> => {
    const text = await redis.get(key);
    return text === null ? null : readJson(schema, key, text);
  };
  return {
    gateState: () => read(gateSchema, keys.gate),
    async saveGateState(state) {
      await redis.set(keys.gate, JSON.stringify(state));
    },
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

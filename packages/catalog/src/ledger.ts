import type { Redis } from 'ioredis';
import type { Catalog } from './catalog.ts';
import type { keysOf } from './keys.ts';
import type { defineOperations } from './ops.ts';
import { readJson, reservationSchema, totalsSchema } from './stored.ts';

type Keys = ReturnType<typeof keysOf>;
type Run = ReturnType<typeof defineOperations>;
type Ledger = Pick<Catalog, 'ledger' | 'reserve' | 'hasReservation' | 'reservations' | 'giveBack'>;

/** Promises: who was promised what, and the sums of it. */
export function createLedger(redis: Redis, keys: Keys, run: Run): Ledger {
  return {
    async ledger() {
      const [stored, instances] = await Promise.all([
        redis.hgetall(keys.totals),
        redis.zcard(keys.instances),
      ]);
      const { bytes, inodes, slots, settledBytes, settledInodes } = totalsSchema.parse(stored);
      return {
        reserved: { bytes, inodes, slots },
        instances,
        settled: { bytes: settledBytes, inodes: settledInodes },
      };
    },

    async reserve({ request, fingerprint, perInstance, count, at }, bounds, seen) {
      const { bytes, inodes } = perInstance;
      const reservation = JSON.stringify({ fingerprint, bytes, inodes, slots: count, at });
      const short = await run(
        'reserve',
        [keys.totals, keys.reservations, keys.instances],
        [
          request,
          reservation,
          bytes * count,
          inodes * count,
          count,
          bounds.bytes,
          bounds.inodes ?? '',
          bounds.slots,
          seen.bytes,
          seen.inodes,
        ],
      );
      const missing = short as ('bytes' | 'inodes' | 'slots')[];
      return missing.length === 0 ? { reserved: true } : { reserved: false, short: missing };
    },

    async hasReservation(request) {
      return (await redis.hexists(keys.reservations, request)) === 1;
    },

    async reservations() {
      const stored = await redis.hgetall(keys.reservations);
      return Object.entries(stored).map(([request, text]) => {
        const { fingerprint, bytes, inodes, slots, at } = readJson(
          reservationSchema,
          keys.reservations,
          text,
        );
        return { request, fingerprint, bytes: bytes * slots, inodes: inodes * slots, slots, at };
      });
    },

    async giveBack(request) {
      return (await run('give_back', [keys.totals, keys.reservations], [request])) === 1;
    },
  };
}

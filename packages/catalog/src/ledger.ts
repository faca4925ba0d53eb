import type { Redis } from 'ioredis';
import type { Catalog } from './catalog.ts';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';
import { readHash, readJson, reservationSchema, totalsSchema } from './stored.ts';

type Ledger = Pick<Catalog, 'ledger' | 'reserve' | 'hasReservation' | 'reservations' | 'giveBack'>;

/** Promises: who was promised what, and the sums of it. */
export function createLedger(redis: Redis, keys: Keys, run: Run): Ledger {
  return {
    async ledger(now) {
      const reply = await run('ledger', [keys.totals, keys.growth, keys.instances], [now, keys.instance('')]);
      const [flat, instances] = reply as [string[], number];
      const totals = readHash(totalsSchema, keys.totals, pairUp(flat));
      return {
        reserved: { bytes: totals.bytes, inodes: totals.inodes, slots: totals.slots },
        growth: { bytes: totals.growthBytes, inodes: totals.growthInodes },
        instances,
        ownBytes: totals.ownBytes,
        settled: { bytes: totals.settledBytes, inodes: totals.settledInodes },
      };
    },

    async reserve({ request, fingerprint, perInstance, count, at }, bounds, seen) {
      const { bytes, inodes } = perInstance;
      const reservation = JSON.stringify({ fingerprint, bytes, inodes, slots: count, at });
      const short = await run(
        'reserve',
        [keys.totals, keys.reservations, keys.instances, keys.growth],
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
          at,
          keys.instance(''),
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

function pairUp(flat: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (let at = 0; at + 1 < flat.length; at += 2) pairs[flat[at] ?? ''] = flat[at + 1] ?? '';
  return pairs;
}

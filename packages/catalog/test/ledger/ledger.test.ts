import { type Catalog, createCatalog } from '@spica/catalog';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../../test/support/redis.ts';
import { aRecord, aSample, freshPool, openFreshCatalog } from '../open.ts';
import { LedgerModel } from './model.ts';
import { anyOperation, type Operation } from './operation.ts';

const NO_LIMIT = { bytes: Number.MAX_SAFE_INTEGER, inodes: null, slots: 1_000 };
const NOTHING_SEEN = { bytes: 0, inodes: 0 };
const NOW = 1_700_000_000_000;
const NO_GROWTH = { bytes: 0, inodes: 0, endsAt: NOW };

describeOnRedis('the promises of a pool', (server) => {
  let redis: Redis;
  beforeEach(() => {
    redis = new Redis(server.url);
    return () => redis.disconnect();
  });

  it('add up, whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyOperation, { minLength: 10, maxLength: 60, size: 'max' }),
        async (operations) => {
          const catalog = openFreshCatalog(redis);
          await catalog.markReconciled({ at: 0, graceUntil: 0 });
          const model = new LedgerModel();
          for (const operation of operations) {
            const { now, seen } = model;
            const answer = model.apply(operation);
            expect(sorted(await perform(catalog, operation, { now, seen }))).toEqual(sorted(answer));
            expect(await catalog.ledger(model.now)).toEqual(model.ledger());
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('never exceed a disk that clones land on while others look at it', async () => {
    const catalog = openFreshCatalog(redis);
    const disk = { capacityBytes: 1_000, usedBytes: 0 };
    const per = 100;
    const spawnOne = async (request: string) => {
      const { settled } = await catalog.ledger(NOW);
      const bounds = { ...NO_LIMIT, bytes: disk.capacityBytes - disk.usedBytes };
      const { reserved } = await catalog.reserve(aReservation(request, per), bounds, settled);
      if (!reserved) return false;
      disk.usedBytes += per; // the clone lands a moment before the catalog hears of it
      await catalog.commit(request, aRecord(`spica-${request}`), NO_GROWTH);
      await catalog.settle(request);
      return true;
    };
    const spawned = await Promise.all(Array.from({ length: 200 }, (_, i) => spawnOne(`${1000 + i}`)));
    expect(disk.usedBytes).toBeLessThanOrEqual(disk.capacityBytes);
    expect(spawned.filter(Boolean)).toHaveLength(disk.usedBytes / per);
    // Held requests look again, so in the end all of the disk is used.
    for (let i = 0; i < 10; i += 1) await spawnOne(`${2000 + i}`);
    expect(disk.usedBytes).toBe(disk.capacityBytes);
  });

  it('are given to only one of many that want the last slot at once, over many connections', async () => {
    const pool = freshPool();
    const connections = Array.from({ length: 5 }, () => new Redis(server.url));
    const bounds = { ...NO_LIMIT, slots: 1 };
    const outcomes = await Promise.all(
      connections.map((connection, i) =>
        createCatalog({ redis: connection, pool }).reserve(aReservation(`req-${i}`, 1), bounds, NOTHING_SEEN),
      ),
    );
    for (const connection of connections) connection.disconnect();
    expect(outcomes.filter(({ reserved }) => reserved)).toHaveLength(1);
  });

  it('are made once for each request, however often its step runs', async () => {
    const catalog = openFreshCatalog(redis);
    const promise = () => catalog.reserve(aReservation('req-1', 100, 3), NO_LIMIT, NOTHING_SEEN);
    expect(await Promise.all([promise(), promise(), promise()])).toEqual(Array(3).fill({ reserved: true }));
    const { reserved } = await catalog.ledger(NOW);
    expect(reserved).toEqual({ bytes: 300, inodes: 3, slots: 3 });
    expect(await catalog.reservations()).toEqual([
      { request: 'req-1', fingerprint: 'f', at: NOW, bytes: 300, inodes: 3, slots: 3 },
    ]);
    expect(await catalog.hasReservation('req-1')).toBe(true);
    expect(await catalog.hasReservation('req-2')).toBe(false);
  });

  it('are refused with all that is short', async () => {
    const catalog = openFreshCatalog(redis);
    const bounds = { bytes: 99, inodes: 0, slots: 0 };
    expect(await catalog.reserve(aReservation('req-1', 100), bounds, NOTHING_SEEN)).toEqual({
      reserved: false,
      short: ['bytes', 'inodes', 'slots'],
    });
    expect(await catalog.reservations()).toEqual([]);
  });
});

function aReservation(request: string, bytes: number, count = 1) {
  return { request, fingerprint: 'f', perInstance: { bytes, inodes: 1 }, count, at: NOW };
}

function perform(catalog: Catalog, operation: Operation, { now, seen }: Pick<LedgerModel, 'now' | 'seen'>) {
  switch (operation.do) {
    case 'look':
    case 'pass':
      return undefined;
    case 'reserve': {
      const { request, perInstance, count, bounds } = operation;
      return catalog.reserve({ request, fingerprint: 'f', perInstance, count, at: now }, bounds, seen);
    }
    case 'commit': {
      const { bytes, inodes, ms } = operation.growth;
      const cloned = { bytes: operation.ownBytes, inodes: 1 };
      const record = aRecord(operation.id, { cloned });
      return catalog.commit(operation.request, record, { bytes, inodes, endsAt: now + ms });
    }
    case 'settle':
      return catalog.settle(operation.request);
    case 'giveBack':
      return catalog.giveBack(operation.request);
    case 'sample': {
      const { bytes, inodes, ms } = operation.growth;
      const growth = { bytes, inodes, endsAt: now + ms };
      const next = { growth, dueAt: now + 1, seen: { lease: null, lastLeasedAt: null } };
      return catalog.recordSample(operation.id, aSample(now, operation.ownBytes), next);
    }
    case 'adopt':
      return catalog.adopt(aRecord(operation.id, { sample: aSample(now, operation.ownBytes) }));
    case 'beginDelete': {
      const { id, request } = operation;
      return catalog.beginDelete(id, request === null ? { now } : { request, now });
    }
    case 'endDelete':
      return catalog.endDelete(operation.id, operation.outcome);
  }
}

/** Lists of ids have no order to rely on. */
function sorted(answer: unknown): unknown {
  return Array.isArray(answer) ? answer.toSorted() : answer;
}

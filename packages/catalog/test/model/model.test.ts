import type { Catalog } from '@spica/catalog';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../../test/support/redis.ts';
import { aRecord, deletionBy, openFreshCatalog } from '../open.ts';
import { CatalogModel, type Seen } from './model.ts';
import { anyOperation, IDS, LIVES, type Operation } from './operation.ts';

/** The same sequences each time, so that a red run is the change's doing; another SPICA_SEED tries others. */
const RUNS = {
  numRuns: 60,
  seed: Number(process.env['SPICA_SEED'] ?? 20_261_130),
};

describeOnRedis('a catalog', (server) => {
  let redis: Redis;
  beforeEach(() => {
    redis = new Redis(server.url);
    return () => redis.disconnect();
  });

  it('answers as a plain one in memory would, whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyOperation, { minLength: 10, maxLength: 60, size: 'max' }),
        async (operations) => {
          const catalog = openFreshCatalog(redis);
          await catalog.markReconciled({ at: 0, graceUntil: 0 });
          const model = new CatalogModel();
          for (const operation of operations) {
            const { now, changes } = model;
            const answer = model.apply(operation);
            expect(await perform(catalog, operation, now, changes)).toEqual(answer);
            expect(await see(catalog)).toEqual(model.seen());
          }
        },
      ),
      RUNS,
    );
  }, 480_000); // some 10,000 answers of Redis, one after the other
});

function perform(catalog: Catalog, operation: Operation, now: number, changes: number): Promise<unknown> {
  switch (operation.do) {
    case 'commit':
      return catalog.commit(operation.of, aRecord(operation.id));
    case 'complete':
      return catalog.completeRequest(operation.of.request, operation.of.life, operation.ids);
    case 'cancel':
      return catalog.cancel(operation.of.request, operation.of.life);
    case 'adopt':
      return catalog.adopt(aRecord(operation.id));
    case 'beginDelete': {
      const { id, owner, request, ahead } = operation;
      const by = { changesSeen: changes + ahead, ...(request === null ? {} : { request }) };
      return catalog.beginDelete(id, deletionBy(owner, now, by));
    }
    case 'endDelete':
      return catalog.endDelete(operation.id, operation.outcome, operation.owner);
    case 'lease': {
      const { id, token, ms, force } = operation;
      return catalog.lease(id, { owner: token, token, expiresAt: now + ms, now, force });
    }
    case 'release':
      return catalog.releaseLease(operation.id, { token: operation.token, now, force: operation.force });
    case 'pin': {
      const { id, by } = operation;
      return catalog.mark(id, { pin: by === null ? null : { by, why: 'paper', at: now } });
    }
    case 'pass':
      return Promise.resolve(undefined);
  }
}

async function see(catalog: Catalog): Promise<Seen> {
  const [ids, all, inFlight, cancelled, changes] = await Promise.all([
    Array.fromAsync(catalog.list(), ({ record }) => record.id),
    catalog.getMany(IDS),
    catalog.inFlight(),
    Promise.all(LIVES.map(({ request, life }) => catalog.isCancelled(request, life))),
    catalog.changes(),
  ]);
  return {
    ids,
    instances: all.map(({ record: { id, lease, lastLeasedAt, pin }, state, request }) => ({
      id,
      request,
      lease,
      lastLeasedAt,
      pin,
      state,
    })),
    inFlight: Object.fromEntries(inFlight),
    cancelled,
    changes,
  };
}

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, createCatalog } from '@spica/catalog';
import { Ledger, systemClock } from '@spica/core';
import { createSerialiser, initPool, type Pool, readRecord, type Serialiser } from '@spica/pool';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord } from '../../catalog/test/open.ts';
import { resultsOf } from '../src/collector/results.ts';
import { ProtectedCount } from '../src/gate/protected.ts';
import type { ServedContext } from '../src/index.ts';
import { writeKnownRecord } from '../src/known-record.ts';
import { catalogInventory } from '../src/pruner/inventory.ts';
import { attempt } from '../src/pruner/remove.ts';

const ID = 'spica-0001';

describeOnRedis('the record of an instance on disk', (server) => {
  let redis: Redis;
  let pool: Pool;
  let catalog: Catalog;
  let perInstance: Serialiser;
  beforeEach(async () => {
    await server.flush();
    redis = new Redis(server.url);
    const dir = await mkdtemp(join(tmpdir(), 'spica-record-'));
    pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
    catalog = createCatalog({ redis, pool: 'main' });
    perInstance = createSerialiser();
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    await catalog.adopt(aRecord(ID));
    return async () => {
      redis.disconnect();
      await rm(dir, { recursive: true });
    };
  });

  /** A writer that has read the catalog, and is then held up while `meanwhile` begins. */
  function heldUp(meanwhile: () => unknown) {
    const get = async (id: string) => {
      const found = await catalog.get(id);
      await meanwhile();
      return found;
    };
    return writeKnownRecord({ pool, perInstance, catalog: { ...catalog, get } }, ID);
  }

  const write = () => writeKnownRecord({ pool, perInstance, catalog }, ID);
  const pin = (why: string) => catalog.mark(ID, { pin: { by: 'eve', why, at: 1 } });
  const pinOnDisk = async () => (await readRecord(pool, ID))?.pin?.why;

  it('has the pin that another writer brought there while an older one was held up', async () => {
    let other: ReturnType<typeof write> | undefined;
    const older = await heldUp(async () => {
      await pin('paper');
      other = write();
    });
    expect(older?.pin).toBeNull();
    expect((await other)?.pin?.why).toBe('paper');
    expect(await pinOnDisk()).toBe('paper');
  });

  it('is left to be written again when the instance changes while it is written', async () => {
    await pin('first');
    await catalog.takeDirty(10);
    await heldUp(() => pin('second'));
    expect(await pinOnDisk()).toBe('first');
    expect(await catalog.takeDirty(10)).toEqual([ID]);
  });

  it('is not brought back by a writer that was held up while the instance went', async () => {
    await mkdir(pool.pathOf(ID));
    let deletion: Promise<unknown> | undefined;
    await heldUp(() => {
      deletion = takeOut();
    });
    expect(await deletion).toMatchObject({ removed: { trash: { id: ID } } });
    expect(await readRecord(pool, ID)).toBeNull();
    expect(await write()).toBeNull();
    expect(await readRecord(pool, ID)).toBeNull();
  });

  /** As the pruner does for each instance of a batch. */
  function takeOut() {
    const clockGuard = { now: () => 1, suspended: async () => null };
    const parts = { pool, catalog, perInstance, clockGuard, publisher: { soon: () => undefined } };
    const gate = { changesSeen: 0, ledger: new Ledger(), protected: new ProtectedCount() };
    const policy = { retention: { protectLiveProcesses: false }, collectTimeoutMs: 1_000 };
    const ctx = { ...parts, gate, policy } as unknown as ServedContext;
    const removal = { id: ID, reason: 'a test', rule: 'age', request: null, undo: false };
    return attempt(
      { ...ctx, inventory: catalogInventory(ctx), results: resultsOf(ctx) },
      { removal, record: null, failure: null },
      'owner',
    );
  }
});

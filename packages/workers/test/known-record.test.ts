import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Catalog, createCatalog } from '@spica/catalog';
import { systemClock } from '@spica/core';
import { initPool, type Pool, readRecord } from '@spica/pool';
import { Redis } from 'ioredis';
import { beforeEach, expect, it } from 'vitest';
import { describeOnRedis } from '../../../test/support/redis.ts';
import { aRecord } from '../../catalog/test/open.ts';
import { writeKnownRecord } from '../src/known-record.ts';

const ID = 'spica-0001';

describeOnRedis('the record of an instance on disk', (server) => {
  let redis: Redis;
  let pool: Pool;
  let catalog: Catalog;
  beforeEach(async () => {
    await server.flush();
    redis = new Redis(server.url);
    const dir = await mkdtemp(join(tmpdir(), 'spica-record-'));
    pool = await initPool({ name: 'main', root: join(dir, 'pool'), clock: systemClock });
    catalog = createCatalog({ redis, pool: 'main' });
    await catalog.markReconciled({ at: 0, graceUntil: 0 });
    await catalog.adopt(aRecord(ID));
    return async () => {
      redis.disconnect();
      await rm(dir, { recursive: true });
    };
  });

  /** A writer that reads the catalog, and is then held up while `meanwhile` happens. */
  function heldUp(meanwhile: (reading: number) => Promise<unknown>) {
    let readings = 0;
    const get = async (id: string) => {
      const found = await catalog.get(id);
      readings += 1;
      await meanwhile(readings);
      return found;
    };
    return writeKnownRecord({ pool, catalog: { ...catalog, get } }, ID);
  }

  const pin = (why: string) => catalog.mark(ID, { pin: { by: 'eve', why, at: 1 } });
  const pinOnDisk = async () => (await readRecord(pool, ID))?.pin?.why;

  it('has the pin that another writer brought there while an older one was held up', async () => {
    const written = await heldUp(async (reading) => {
      if (reading > 1) return;
      await pin('paper');
      await writeKnownRecord({ pool, catalog }, ID);
    });
    expect(await pinOnDisk()).toBe('paper');
    expect(written?.pin?.why).toBe('paper');
  });

  it('is left to be written again when the instance changes faster than it can be written', async () => {
    await heldUp(async (reading) => {
      await pin(`change ${reading}`);
      await catalog.takeDirty(10); // somebody else writes it, and may be overtaken by this writer
    });
    expect(await catalog.takeDirty(10)).toEqual([ID]);
  });

  it('is not brought back by a writer that was held up while the instance went', async () => {
    await heldUp(async () => {
      await catalog.beginDelete(ID, { now: 1 });
      await catalog.endDelete(ID, 'gone');
    });
    expect(await readRecord(pool, ID)).toBeNull();
  });
});

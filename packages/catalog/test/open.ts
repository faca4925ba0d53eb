import { type Catalog, type CatalogInstance, createCatalog, type DeletionBy } from '@spica/catalog';
import { type Finished, type InstanceRecord, newRecord, type Sample } from '@spica/core';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import type { TestRedis } from '../../../test/support/redis.ts';

let pools = 0;

/** The name of a pool that no other test uses. */
export function freshPool(): string {
  pools += 1;
  return `p${pools}`;
}

/** A catalog as a test has it: of a pool that no other test uses, over a connection that ends with the test. */
export function openCatalog(server: TestRedis): { redis: Redis; pool: string; catalog: Catalog } {
  const redis = new Redis(server.url);
  onTestFinished(() => redis.disconnect());
  const pool = freshPool();
  return { redis, pool, catalog: createCatalog({ redis, pool }) };
}

/** The catalog of one more such pool. */
export function openFreshCatalog(redis: Redis): Catalog {
  return createCatalog({ redis, pool: freshPool() });
}

/** The catalog's list to its end. */
export async function listAll(catalog: Catalog): Promise<CatalogInstance[]> {
  const all: CatalogInstance[] = [];
  for await (const instance of catalog.list()) all.push(instance);
  return all;
}

/** What the catalog knows of an instance that has just been spawned. */
export function aRecord(id: string, fields: Partial<InstanceRecord> = {}): InstanceRecord {
  return newRecord({
    id,
    pool: 'main',
    request: null,
    index: null,
    template: 'default',
    templateVersion: '1.0.0',
    fingerprint: null,
    cloneMethod: 'copy',
    clonedAt: null,
    cloned: null,
    predicted: null,
    expected: null,
    replicas: 0,
    by: null,
    parent: null,
    generation: 0,
    experiment: null,
    labels: {},
    spawnedAt: 1_700_000_000_000,
    ttlMs: null,
    collect: [],
    ...fields,
  });
}

/** A measurement of an instance that nothing shares its blocks with. */
export function aSample(at: number, bytes = 4096): Sample {
  return { at, allocatedBytes: bytes, apparentBytes: bytes, inodes: 2, ownBytes: bytes, changedAt: at };
}

/** What an instance had become at the end. */
export function aFinished(at: number, bytes: number): Finished {
  return { at, final: { bytes, inodes: 1 }, clone: { bytes: 0, inodes: 1 }, grewForMs: 0, predicted: null };
}

/** A deletion on behalf of an owner, at a time; nothing is held against it unless `by` says so. */
export function deletionBy(owner: string, now: number, by: Partial<DeletionBy> = {}): DeletionBy {
  return { owner, now, changesSeen: 0, ...by };
}

/** Brings up an instance of a request, which is in flight then. */
export async function commitOne(
  catalog: Catalog,
  of: { readonly request: string; readonly life: string },
  id: string,
): Promise<void> {
  const outcome = await catalog.commit(of, aRecord(id, { request: of.request }));
  if (outcome !== 'committed') throw new Error(`${id}: expected it to be committed, got ${outcome}`);
}

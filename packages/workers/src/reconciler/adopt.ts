import type { InstanceRecord } from '@spica/core';
import { listRecords, readLineage, scanPool } from '@spica/pool';
import type { ServedContext } from '../context.ts';

/**
 * Brings instances on disk that the catalog does not know into it (a lost Redis, an older pool): from their records
 * where there are any, else from their manifests. Leaves alone what a request with a reservation is still bringing up.
 * Call it before the workers start.
 */
export async function adoptFromDisk(ctx: ServedContext): Promise<void> {
  const { records, broken } = await listRecords(ctx.pool);
  for (const { name, reason } of broken)
    ctx.logger.warn({ record: name, reason }, 'broken record left alone');
  const known = new Map(records.map((record) => [record.id, record]));
  const { instances } = await scanPool(ctx.pool);
  let adopted = 0;
  for (const { id, manifest, spawnedAt } of instances) {
    const record = known.get(id) ?? (await recordFrom(ctx, id, manifest, spawnedAt));
    if (record.request && (await ctx.catalog.hasReservation(record.request))) continue;
    if (await ctx.catalog.adopt(record)) adopted += 1;
  }
  if (adopted > 0) ctx.logger.info({ adopted }, 'instances on disk taken into the catalog');
}

async function recordFrom(
  ctx: ServedContext,
  id: string,
  manifest: { readonly template_version: string },
  spawnedAt: number | null,
): Promise<InstanceRecord> {
  const lineage = await readLineage(ctx.pool, id);
  return {
    schema: 'spica.record/v1',
    id,
    pool: ctx.pool.name,
    request: null,
    index: null,
    template: 'unknown',
    templateVersion: manifest.template_version,
    fingerprint: null,
    cloneMethod: null,
    sharedBytes: 0,
    parent: lineage?.parent_id ?? null,
    generation: lineage?.generation ?? 0,
    experiment: null,
    labels: {},
    spawnedAt,
    sample: null,
  };
}

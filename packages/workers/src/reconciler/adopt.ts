import type { InstanceRecord } from '@spica/core';
import { type FoundInstance, readLineage, verifyLineage } from '@spica/pool';
import type { PoolContext } from '../context.ts';
import { recordFromManifest } from './record.ts';

/** An instance on disk that the catalog does not know. */
export interface Adoptable {
  readonly record: InstanceRecord;
  /** It has no record of its own: its manifest is all that is known. */
  readonly fromManifest: boolean;
  /** What is wrong with it; reported, not mended. Null when nothing is. */
  readonly flag: string | null;
}

/**
 * What the catalog would take in of an instance found on disk: its record, else its manifest. Null where the record that
 * stood for a manifest is gone by now.
 */
export async function toAdoptable(
  ctx: PoolContext,
  { id, manifest }: FoundInstance,
  record: InstanceRecord | undefined,
): Promise<Adoptable | null> {
  const flag = record?.settingUp ? 'its set-up was cut off' : await flagOf(ctx, id);
  if (record) return { record, fromManifest: false, flag };
  if (!manifest) return null;
  const lineage = flag === null ? await readLineage(ctx.pool, id) : null;
  return { record: recordFromManifest(ctx.pool.name, manifest, lineage), fromManifest: true, flag };
}

async function flagOf(ctx: PoolContext, id: string): Promise<string | null> {
  try {
    const { ok, expected, actual } = await verifyLineage(ctx.pool, id);
    return ok ? null : `lineage.json hashes to ${actual}, the manifest says ${expected}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

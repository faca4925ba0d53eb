import { join } from 'node:path';
import { CheckError } from '@spica/core';
import { jsonFile } from '../json-file.ts';
import type { Pool } from '../layout.ts';
import { hashOf } from './build.ts';
import { type Lineage, lineageSchema, type Manifest, manifestSchema } from './schema.ts';

/** What Spica's own files in an instance are called. */
export const OWN_NAMES = { manifest: 'manifest.json', lineage: 'lineage.json' } as const;

export const manifestFile = jsonFile({
  schema: manifestSchema,
  code: 'MANIFEST_INVALID',
  is: 'a manifest',
});

export const lineageFile = jsonFile({ schema: lineageSchema, code: 'LINEAGE_INVALID', is: 'a lineage' });

/** An instance's manifest; null where there is none. Throws CheckError MANIFEST_INVALID when it cannot be read as one. */
export async function readManifest(pool: Pool, id: string): Promise<Manifest | null> {
  return manifestFile.load(join(pool.pathOf(id), OWN_NAMES.manifest));
}

/** An instance's lineage; null where there is none. Throws CheckError LINEAGE_INVALID when it cannot be read as one. */
export async function readLineage(pool: Pool, id: string): Promise<Lineage | null> {
  return lineageFile.load(join(pool.pathOf(id), OWN_NAMES.lineage));
}

/**
 * When an instance was spawned, epoch milliseconds; null when its manifest does not say it in a way that can be read. Before
 * 1970 is no time either: some programs write the year 1 for one that they do not know.
 */
export function spawnedAtOf({ spawned_at }: Pick<Manifest, 'spawned_at'>): number | null {
  const at = Date.parse(spawned_at);
  return at >= 0 ? at : null;
}

/** An instance's lineage against the hash in its manifest, both SHA-256 in hex. */
export interface LineageCheck {
  readonly ok: boolean;
  readonly expected: string;
  readonly actual: string;
}

/**
 * Whether the bytes of `lineage.json` are those that the manifest was written with. Throws CheckError: MANIFEST_MISSING,
 * MANIFEST_INVALID, LINEAGE_MISSING, LINEAGE_INVALID (not a file that can be read).
 */
export async function verifyLineage(pool: Pool, id: string): Promise<LineageCheck> {
  const manifest = await readManifest(pool, id);
  if (!manifest) throw new CheckError('MANIFEST_MISSING', `instance ${id}: it has no manifest.json`);
  const bytes = await lineageFile.loadBytes(join(pool.pathOf(id), OWN_NAMES.lineage));
  if (!bytes) throw new CheckError('LINEAGE_MISSING', `instance ${id}: it has no lineage.json`);
  const actual = hashOf(bytes);
  return { ok: actual === manifest.lineage_sha, expected: manifest.lineage_sha, actual };
}

/** The same as a verdict: what cannot be compared differs, and `reason` says why. */
export async function judgeLineage(
  pool: Pool,
  id: string,
): Promise<{
  readonly id: string;
  readonly ok: boolean;
  readonly reason: string | null;
  readonly sha: string | null;
}> {
  try {
    const { ok, expected, actual } = await verifyLineage(pool, id);
    const reason = ok ? null : `lineage.json hashes to ${actual}, the manifest says ${expected}`;
    return { id, ok, reason, sha: actual };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return { id, ok: false, reason: `${error.code}: ${error.message}`, sha: null };
  }
}

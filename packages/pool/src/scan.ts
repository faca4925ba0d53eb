import { readdir } from 'node:fs/promises';
import { CheckError, isInstanceId } from '@spica/core';
import type { Pool } from './layout.ts';
import { readManifest, spawnedAtOf } from './manifest/manifest.ts';
import type { Manifest } from './manifest/schema.ts';

export interface FoundInstance {
  readonly id: string;
  readonly manifest: Manifest;
  /** Epoch milliseconds; null when the manifest's `spawned_at` cannot be read. */
  readonly spawnedAt: number | null;
}

export interface Scan {
  readonly instances: readonly FoundInstance[];
  /** What is not Spica's, or not whole, and why. */
  readonly unknownDirectories: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * What lies directly under the pool's root: instances (a directory with an instance's name and a valid manifest), and
 * unknownDirectories, which are left alone. Those named in `known` are passed over unread.
 */
export async function scanPool(pool: Pool, known: ReadonlySet<string> = new Set()): Promise<Scan> {
  const instances: FoundInstance[] = [];
  const unknownDirectories: { name: string; reason: string }[] = [];
  for (const entry of await readdir(pool.paths.root, { withFileTypes: true })) {
    const { name } = entry;
    if (name === '.spica' || known.has(name)) continue;
    if (!isInstanceId(name)) unknownDirectories.push({ name, reason: "its name is not an instance's" });
    else if (!entry.isDirectory()) unknownDirectories.push({ name, reason: 'it is not a directory' });
    else {
      const found = await look(pool, name);
      if ('manifest' in found) instances.push(found);
      else unknownDirectories.push(found);
    }
  }
  return { instances, unknownDirectories };
}

async function look(pool: Pool, id: string): Promise<FoundInstance | { name: string; reason: string }> {
  try {
    const manifest = await readManifest(pool, id);
    if (!manifest) return { name: id, reason: 'it has no manifest.json' };
    if (manifest.spica_id !== id) return { name: id, reason: `its manifest is that of ${manifest.spica_id}` };
    return { id, manifest, spawnedAt: spawnedAtOf(manifest) };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return { name: id, reason: error.message };
  }
}

import { CheckError, isInstanceId } from '@spica/core';
import type { Pool } from './layout.ts';
import { listDirectory } from './list-directory.ts';
import { readManifest } from './manifest/manifest.ts';
import type { Manifest } from './manifest/schema.ts';
import { isShield } from './marker/shield.ts';
import { isThere } from './missing.ts';
import { readRecord } from './records.ts';

export interface FoundInstance {
  readonly id: string;
  /** Null when it cannot be read, or was removed: its record is whole, and says what it is. */
  readonly manifest: Manifest | null;
}

export interface Scan {
  readonly instances: readonly FoundInstance[];
  /** What is not Spica's, or not whole, and why. */
  readonly unknownDirectories: readonly { readonly name: string; readonly reason: string }[];
}

/**
 * What lies directly under the pool's root: instances (a directory with an instance's name, and a valid manifest or a
 * whole record), and unknownDirectories, which are left alone. Those named in `known` are passed over unread.
 */
export async function scanPool(pool: Pool, known: ReadonlySet<string> = new Set()): Promise<Scan> {
  const instances: FoundInstance[] = [];
  const unknownDirectories: { name: string; reason: string }[] = [];
  for await (const entry of listDirectory(pool.paths.root)) {
    const { name } = entry;
    if (name === '.spica' || isShield(name) || known.has(name)) continue;
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

type Look = FoundInstance | Scan['unknownDirectories'][number];

async function look(pool: Pool, id: string): Promise<Look> {
  try {
    const manifest = await readManifest(pool, id);
    if (!manifest) return lookByRecord(pool, id, 'it has no manifest.json');
    if (manifest.spica_id !== id) return { name: id, reason: `its manifest is that of ${manifest.spica_id}` };
    return { id, manifest };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return lookByRecord(pool, id, error.message);
  }
}

/** What works in an instance may remove its manifest (`git clean`), and its record be all that tells of its pin. */
async function lookByRecord(pool: Pool, id: string, reason: string): Promise<Look> {
  const record = await readRecord(pool, id).catch((error: unknown) => {
    if (error instanceof CheckError) return null;
    throw error;
  });
  // Asked last: what is being deleted is moved away before its record goes.
  const isInstance = record?.id === id && (await isThere(pool.pathOf(id)));
  return isInstance ? { id, manifest: null } : { name: id, reason };
}

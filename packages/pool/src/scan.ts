import type { Dirent } from 'node:fs';
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

/** Those of these names that are not known. */
export type Unlisted = (names: readonly string[]) => Promise<readonly string[]>;

/** Names that are asked about at a time. */
const BATCH = 1_000;

/**
 * What lies directly under the pool's root: instances (a directory with an instance's name, and a valid manifest or a
 * whole record), and unknownDirectories, which are left alone. Entries are listed and asked about a thousand at a time.
 *
 * @param unlisted Says which of these names are not known yet; the others are passed over unread.
 */
export async function scanPool(pool: Pool, unlisted: Unlisted = async (names) => names): Promise<Scan> {
  const instances: FoundInstance[] = [];
  const unknownDirectories: { name: string; reason: string }[] = [];
  for await (const entries of batches(listDirectory(pool.paths.root))) {
    const unknown = new Set(await unlisted(entries.map(({ name }) => name)));
    for (const entry of entries.filter(({ name }) => unknown.has(name))) {
      const found = await look(pool, entry);
      if (found === null) continue;
      if ('manifest' in found) instances.push(found);
      else unknownDirectories.push(found);
    }
  }
  return { instances, unknownDirectories };
}

async function* batches(entries: AsyncIterable<Dirent>): AsyncGenerator<readonly Dirent[]> {
  let batch: Dirent[] = [];
  for await (const entry of entries) {
    if (entry.name === '.spica' || isShield(entry.name)) continue;
    batch.push(entry);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

type Look = FoundInstance | Scan['unknownDirectories'][number];

/** Null for what has gone since it was listed. */
async function look(pool: Pool, entry: Dirent): Promise<Look | null> {
  const { name } = entry;
  if (!isInstanceId(name)) return { name, reason: "its name is not an instance's" };
  if (!entry.isDirectory()) return { name, reason: 'it is not a directory' };
  try {
    const manifest = await readManifest(pool, name);
    if (!manifest) return lookByRecord(pool, name, 'it has no manifest.json');
    if (manifest.spica_id !== name) return { name, reason: `its manifest is that of ${manifest.spica_id}` };
    return { id: name, manifest };
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    return lookByRecord(pool, name, error.message);
  }
}

/** What works in an instance may remove its manifest (`git clean`), and its record be all that tells of its pin. */
async function lookByRecord(pool: Pool, id: string, reason: string): Promise<Look | null> {
  const record = await readRecord(pool, id).catch((error: unknown) => {
    if (error instanceof CheckError) return null;
    throw error;
  });
  // Asked last: what is being deleted is moved away before its record goes.
  if (!(await isThere(pool.pathOf(id)))) return null;
  return record?.id === id ? { id, manifest: null } : { name: id, reason };
}

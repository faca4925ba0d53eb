import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deleteStored, listStored, type Stored } from './store.ts';

/**
 * Deletes the snapshots that are not spared: all but the latest of each template that there still is. Returns the
 * fingerprints of those deleted.
 */
export async function sweepSuperseded(
  dir: string,
  templates: readonly string[],
  spared: (fingerprint: string) => boolean,
): Promise<string[]> {
  const stored = await listStored(dir);
  const latest = new Map(stored.map((each) => [each.prepared.template, each]));
  const isLatest = (each: Stored) => latest.get(each.prepared.template) === each;
  const swept = stored
    .filter((each) => !(templates.includes(each.prepared.template) && isLatest(each)))
    .map(({ prepared }) => prepared)
    .filter(({ fingerprint }) => !spared(fingerprint));
  for (const { path } of swept) await deleteStored(path);
  return swept.map(({ fingerprint }) => fingerprint);
}

/** Deletes what a crash left of snapshots in the making. To be called while none is made. */
export async function sweepLeftovers(dir: string): Promise<void> {
  const [names, stored] = await Promise.all([readdir(dir), listStored(dir)]);
  const whole = new Set(stored.map(({ prepared }) => prepared.path));
  const paths = names.map((name) => join(dir, name.replace(/\.json$/, '')));
  for (const path of paths) if (!whole.has(path)) await deleteStored(path);
}

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deleteStored, listStored, type Stored } from './store.ts';

/**
 * Deletes the snapshots that are not spared: all but the latest of each template that there still is. With `idle`
 * (nothing is being prepared) also what a crash left behind. Returns the fingerprints of those deleted.
 */
export async function sweepSnapshots(
  dir: string,
  templates: readonly string[],
  spared: (fingerprint: string) => boolean,
  idle: boolean,
): Promise<string[]> {
  const names = idle ? await readdir(dir) : [];
  const stored = await listStored(dir);
  const latest = new Map(stored.map((each) => [each.prepared.template, each]));
  const isKept = (each: Stored) =>
    spared(each.prepared.fingerprint) ||
    (templates.includes(each.prepared.template) && latest.get(each.prepared.template) === each);
  const swept = stored.filter((each) => !isKept(each));
  for (const { prepared } of swept) await deleteStored(prepared.path);
  const whole = stored.map(({ prepared }) => prepared.path);
  const leftovers = names
    .map((name) => join(dir, name.replace(/\.json$/, '')))
    .filter((path) => !whole.includes(path));
  for (const path of leftovers) await deleteStored(path);
  return swept.map(({ prepared }) => prepared.fingerprint);
}

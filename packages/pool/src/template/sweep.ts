import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inThread } from '../threads/threads.ts';
import { isBaseline } from '../unsaved/baseline.ts';
import { snapshotOfCopied } from './copied.ts';
import type { Prepared } from './prepared.ts';
import { deleteStored, listStored, type Stored } from './store.ts';

/**
 * The snapshots that nothing new is cloned from: all but the latest of each template that there still is; in an image not
 * before their last clones are gone (`snapshotsWithClones`).
 */
export async function listSuperseded(dir: string, templates: readonly string[]): Promise<Prepared[]> {
  const stored = await listStored(dir);
  const latest = new Map(stored.map((each) => [each.prepared.template, each]));
  const isLatest = (each: Stored) => latest.get(each.prepared.template) === each;
  const superseded = stored
    .filter((each) => !(templates.includes(each.prepared.template) && isLatest(each)))
    .map(({ prepared }) => prepared);
  if (superseded.length === 0) return [];
  const paths = superseded.map(({ path }) => path);
  const cloned = await inThread('snapshotsWithClones', { dir, paths });
  return superseded.filter(({ path }) => !cloned.includes(path));
}

/** Deletes what a crash left of snapshots. To be called while none is made. Throws the first failure when all is tried. */
export async function sweepLeftovers(dir: string): Promise<void> {
  const [all, stored] = await Promise.all([readdir(dir), listStored(dir)]);
  const names = all.filter((name) => !isBaseline(name));
  const whole = new Set(stored.map(({ prepared }) => prepared.path));
  const paths = names.map((name) => join(dir, snapshotOfCopied(name).replace(/\.json$/, '')));
  const failures: unknown[] = [];
  for (const path of paths) {
    if (!whole.has(path)) await deleteStored(path).catch((error: unknown) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

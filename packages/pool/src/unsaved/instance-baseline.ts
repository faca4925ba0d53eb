import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pool } from '../layout.ts';
import { isThere } from '../missing.ts';
import { BASELINE_MS, BASELINE_SUFFIX, readBaselineFile, writeBaselineFile } from './baseline.ts';
import { type Baseline, readBaseline } from './state.ts';

function pathFor({ paths, pathOf }: Pick<Pool, 'paths' | 'pathOf'>, id: string): string {
  pathOf(id); // refuses what is no id
  return join(paths.setUps, `${id}${BASELINE_SUFFIX}`);
}

/**
 * Keeps what an instance is now, in the eyes of git, as what it was handed out with: what its set-up has made is nobody's
 * work. To be called before anybody is told of it. Throws an error that says what git or the filesystem could not do, or
 * the signal's reason: what was kept before is gone then, and its snapshot counts.
 */
export async function keepInstanceBaseline(pool: Pool, id: string, signal?: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(BASELINE_MS);
  const path = pathFor(pool, id);
  await rm(path, { force: true });
  const baseline = await readBaseline(pool.pathOf(id), signal ? AbortSignal.any([signal, limit]) : limit);
  await mkdir(pool.paths.setUps, { recursive: true, mode: 0o700 }); // an earlier version made none
  await writeBaselineFile(path, id, baseline ?? new Map());
}

/** What an instance was when its set-up had ended, empty where that was no repository; null where that is not known. */
export function loadInstanceBaseline(pool: Pool, id: string): Promise<Baseline | null> {
  return readBaselineFile(pathFor(pool, id), id);
}

/** A fork was handed out with what its parent was, as far as that is no work: set-up and all. Throws what the filesystem says. */
export async function inheritInstanceBaseline(pool: Pool, parent: string, id: string): Promise<void> {
  const baseline = await loadInstanceBaseline(pool, parent);
  if (baseline) await writeBaselineFile(pathFor(pool, id), id, baseline);
}

/** Forgets what an instance was handed out with, unless it is there (again). */
export async function dropInstanceBaseline(pool: Pool, id: string): Promise<void> {
  if (!(await isThere(pool.pathOf(id)))) await rm(pathFor(pool, id), { force: true });
}

import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatDuration, messageOf, type UnsavedWork } from '@spica/core';
import type { Pool } from '../layout.ts';
import { OWN_NAMES } from '../manifest/manifest.ts';
import { isThere } from '../missing.ts';
import { loadBaseline } from './baseline.ts';
import { loadInstanceBaseline } from './instance-baseline.ts';
import { findNew } from './state.ts';

/** What is looked at. */
export interface UnsavedTarget {
  readonly id: string;
  readonly template: string;
  /** Of the snapshot that it was cloned from; null where that is not known. */
  readonly fingerprint: string | null;
  /** When Spica had written what it writes into an instance, epoch milliseconds; null where that is not known. */
  readonly clonedAt: number | null;
}

/** How long git may take for one instance. */
const MOST_MS = 30_000;

const SAVED: UnsavedWork = { commits: 0, stashes: 0, files: 0, unknown: null, isBaselineKnown: true };
const OWN_FILES: ReadonlySet<string> = new Set(Object.values(OWN_NAMES));
const ENV_FILE = '.env.spica';

/**
 * Finds what would be lost with an instance, in the eyes of git: what it was not cloned with, and no remote has. Only where
 * its root is a git repository, or was one when it was cloned. Writes nothing, runs nothing that the repository configures,
 * and asks no other host; takes half a minute at most. What git cannot tell is in `unknown`. Throws UsageError
 * INSTANCE_ID_INVALID.
 */
export async function findUnsavedWork(
  pool: Pool,
  { id, template, fingerprint, clonedAt }: UnsavedTarget,
  { mostMs = MOST_MS } = {},
): Promise<UnsavedWork> {
  const root = pool.pathOf(id);
  const key = fingerprint === null ? null : { template, fingerprint };
  // What cannot be read is as what is not known any more.
  const baseline =
    (await loadInstanceBaseline(pool, id).catch(() => null)) ??
    (key && (await loadBaseline(pool, key).catch(() => null)));
  const signal = AbortSignal.timeout(mostMs);
  try {
    if (!(await isThere(root))) return SAVED;
    const writtenBy = clonedAt ?? (key && (await guessClonedAt(root)));
    const isOwn = (path: string) => isMadeBySpica(root, path, writtenBy);
    const found = await findNew(root, baseline, { signal, isOwn });
    if (found) return { ...found, unknown: null, isBaselineKnown: baseline !== null };
    if (baseline === null || baseline.size === 0) return SAVED;
    return { ...SAVED, unknown: 'it was cloned with a repository, and has none any more' };
  } catch (error) {
    const late = `it takes longer than ${formatDuration(mostMs)}`;
    const unknown = signal.aborted ? late : messageOf(error);
    return { ...SAVED, unknown, isBaselineKnown: baseline !== null };
  }
}

/** Parameters are added right after the lineage was written. */
const RIGHT_AFTER_MS = 1_000;

/** About when Spica had written what it writes, of a copy whose record does not say it: as after Redis was lost. */
async function guessClonedAt(root: string): Promise<number | null> {
  const lineage = await lstat(join(root, OWN_NAMES.lineage)).catch(() => null);
  return lineage && lineage.mtimeMs + RIGHT_AFTER_MS;
}

/** Spica's own files, and the parameters that it has added; not what was added to those since. */
async function isMadeBySpica(root: string, path: string, writtenBy: number | null): Promise<boolean> {
  if (OWN_FILES.has(path)) return true;
  if (path !== ENV_FILE || writtenBy === null) return false;
  const found = await lstat(join(root, path)).catch(() => null);
  // `writtenBy` is in whole milliseconds, and a clone may be whole in the one in which its parameters were written.
  return found?.isFile() === true && Math.floor(found.mtimeMs) <= writtenBy;
}

import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import * as z from 'zod';
import { jsonFile } from '../json-file.ts';
import type { Pool } from '../layout.ts';
import { isThere } from '../missing.ts';
import { snapshotPath } from '../template/store.ts';
import { type Baseline, readBaseline } from './state.ts';

/** What names a snapshot. */
export interface SnapshotKey {
  readonly template: string;
  readonly fingerprint: string;
}

export const BASELINE_SUFFIX = '.baseline';
/** How long git may take to tell what there is. */
export const BASELINE_MS = 30_000;
/** What took too long, or could not be read, is not tried again at once. */
const AGAIN_AFTER_MS = 300_000;

const texts = z.array(z.string());
const baselineFile = jsonFile({
  schema: z.strictObject({
    schema: z.literal('spica.baseline/v1'),
    /** The fingerprint of the snapshot, or the id of the instance. */
    of: z.string(),
    /** By directory; texts have one character for each byte. */
    repositories: z.record(
      z.string(),
      z.strictObject({ tips: texts, stashes: texts, changes: z.array(z.tuple([z.string(), z.string()])) }),
    ),
  }),
  code: 'BASELINE_INVALID',
  is: 'what a snapshot or an instance was in the eyes of git',
  mostBytes: Number.POSITIVE_INFINITY,
});

/** Whether a name in a pool's `templates/` is that of a baseline, which outlives its snapshot. */
export function isBaseline(name: string): boolean {
  return name.endsWith(BASELINE_SUFFIX);
}

/** Snapshots do not change, so each is read once; by its path. */
const reads = new Map<string, Promise<Baseline | null>>();

/**
 * What an instance was cloned with, in the eyes of git: as it was kept when its snapshot went, else as the snapshot itself
 * says. Null where there was no repository, or nothing is known of it any more. Writes nothing. Throws an error that says
 * what could not be read.
 */
export async function loadBaseline(
  { paths }: Pick<Pool, 'paths'>,
  { template, fingerprint }: SnapshotKey,
): Promise<Baseline | null> {
  const path = snapshotPath(paths.templates, template, fingerprint);
  const kept = await readBaselineFile(path + BASELINE_SUFFIX, fingerprint);
  if (kept) return kept;
  return (await isThere(join(path, '.git'))) ? readOnce(path) : null;
}

function readOnce(path: string): Promise<Baseline | null> {
  const known = reads.get(path);
  if (known) return known;
  const reading = readBaseline(path, AbortSignal.timeout(BASELINE_MS));
  reads.set(path, reading);
  reading.catch(() => setTimeout(() => reads.delete(path), AGAIN_AFTER_MS).unref());
  return reading;
}

/**
 * Keeps what is known of a snapshot that is about to be deleted, for the instances that were cloned from it. Does nothing
 * where it holds no repository. Where that fails, the log says so: all that is in an instance counts then.
 */
export async function keepBaseline(path: string, fingerprint: string, logger: Logger): Promise<void> {
  try {
    const baseline = (await isThere(join(path, '.git'))) ? await readOnce(path) : null;
    if (baseline) await writeBaselineFile(path + BASELINE_SUFFIX, fingerprint, baseline);
  } catch (error) {
    logger.warn({ err: error, fingerprint }, 'what git says of a template that goes could not be kept');
  } finally {
    reads.delete(path);
  }
}

/** What is kept at a path, of what it is to be of; null where there is none, or it is of no use. */
export async function readBaselineFile(path: string, of: string): Promise<Baseline | null> {
  const kept = await baselineFile.loadIfValid(path);
  return kept?.of === of ? new Map(Object.entries(kept.repositories)) : null;
}

export function writeBaselineFile(path: string, of: string, baseline: Baseline): Promise<void> {
  const repositories = Object.fromEntries(
    [...baseline].map(([at, { tips, stashes, changes }]) => {
      const pairs = changes.map(([record, identity]): [string, string] => [record, identity]);
      return [at, { tips: [...tips], stashes: [...stashes], changes: pairs }];
    }),
  );
  return baselineFile.save(path, { schema: 'spica.baseline/v1', of, repositories });
}

/**
 * Deletes the baselines that no instance needs any more.
 *
 * @param needed The snapshots that instances were cloned from; asked only where there is a baseline.
 */
export async function sweepBaselines(
  { paths }: Pick<Pool, 'paths'>,
  needed: () => Promise<readonly SnapshotKey[]>,
): Promise<void> {
  const names = (await readdir(paths.templates)).filter(isBaseline);
  if (names.length === 0) return;
  const isNeeded = new Set(
    (await needed()).map(
      ({ template, fingerprint }) => snapshotPath(paths.templates, template, fingerprint) + BASELINE_SUFFIX,
    ),
  );
  for (const path of names.map((name) => join(paths.templates, name))) {
    if (!isNeeded.has(path)) await rm(path, { force: true });
  }
}

import { stat } from 'node:fs/promises';
import { type Clock, countOf } from '@spica/core';
import { surveyClonable } from './clonable.ts';
import type { Copied } from './copied.ts';
import { fingerprintOf } from './fingerprint.ts';
import { textOf } from './key.ts';
import { type Difference, findChangedContents, findDifferences } from './rsync.ts';
import { nameCommit, type Source } from './source.ts';
import type { SnapshotKind, Stored } from './store.ts';
import type { Survey } from './survey.ts';
import { waitUntilOld } from './wait-until-old.ts';

export interface RecheckOptions {
  readonly kind: SnapshotKind;
  readonly clock: Clock;
  readonly source: () => Promise<Source>;
  /** What is known of the snapshot's files; all others are read. */
  readonly copied: Copied;
  readonly signal?: AbortSignal;
}

/** A snapshot that still holds what the template is now, or why it does not. */
export type Rechecked =
  | { readonly stored: Stored; readonly copied: Copied }
  | { readonly difference: string };

/** The inode number of a btrfs subvolume's root. */
const SUBVOLUME_INODE = 256;
const MOST_NAMED = 3;
/** A template whose change times move while it is compared is compared again, so often. */
const ATTEMPTS = 4;
const MOVED = 'it changed while it was compared';

/**
 * Compares a template with a snapshot of it whose fingerprint is not the template's any more. Hard links that others make
 * to its files (a package manager, a backup) move change times and nothing else; then the snapshot goes on as the
 * template's, under its own fingerprint. What a copy would keep is compared of every entry, the content of those files
 * alone whose inode or change time is another than when it was copied. Throws what `surveyClonable` throws, and what
 * rsync says.
 */
export async function recheck(stored: Stored, options: RecheckOptions): Promise<Rechecked> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await recheckOnce(stored, options);
    const isMoved = 'difference' in result && result.difference === MOVED;
    if (!isMoved || attempt === ATTEMPTS) return result;
  }
}

async function recheckOnce(stored: Stored, options: RecheckOptions): Promise<Rechecked> {
  const { kind, clock, signal, copied } = options;
  const { path } = stored.prepared;
  const source = await options.source();
  const surveyed = await surveyClonable(source, signal);
  const before = await fingerprintOf(source, surveyed.scope, kind, signal);
  if (!(await waitUntilOld(surveyed.newestAt, clock, signal)))
    return { difference: 'a change time lies in the future' };
  if (((await stat(path)).ino === SUBVOLUME_INODE) !== (kind === 'subvolume'))
    return { difference: 'the pool clones in another way now' };
  const differences = await compare(source, surveyed, { path, copied }, signal);
  if (differences.length > 0) return { difference: sayDifferences(differences) };
  if ((await fingerprintOf(source, surveyed.scope, kind, signal)) !== before) return { difference: MOVED };
  const prepared = { ...stored.prepared, version: source.version, ...nameCommit(source) };
  return { stored: { ...stored, prepared, scope: surveyed.scope, seenAs: before }, copied: surveyed.files };
}

async function compare(
  source: Source,
  { files }: Survey,
  { path, copied }: { readonly path: string; readonly copied: Copied },
  signal?: AbortSignal,
): Promise<readonly Difference[]> {
  const differences = await findDifferences(source, path, signal);
  if (differences.length > 0) return differences;
  const moved = [...files].filter(([key, seen]) => copied.get(key) !== seen).map(([key]) => key);
  return findChangedContents(source, path, moved, signal);
}

function sayDifferences(differences: readonly Difference[]): string {
  const named = differences.slice(0, MOST_NAMED).map(({ key, change }) => `${textOf(key)} ${change}`);
  const more = differences.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${countOf(more, 'more entry', 'more entries')}` : '');
}

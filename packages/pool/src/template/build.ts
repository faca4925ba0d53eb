import { randomBytes } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CheckError, type Clock } from '@spica/core';
import { execa } from 'execa';
import { bootId } from '../claim/identity.ts';
import { type Division, divide, type Piece } from '../clone/division.ts';
import { hasAttributes } from '../native/attributes.ts';
import { removeAfter } from '../remove/remove-after.ts';
import { removeTree } from '../remove/remove-tree.ts';
import { examine } from './examine.ts';
import { explainFailure, isChanging } from './failure.ts';
import { fingerprintOf } from './fingerprint.ts';
import { checkGitFiles } from './git-file.ts';
import { pathAt } from './key.ts';
import { UNKNOWN_COMMIT } from './origin.ts';
import type { Prepared } from './prepared.ts';
import { ChangingError, copyIncluded } from './rsync.ts';
import { checkNotEmpty, type Source } from './source.ts';
import { type Stored, snapshotPath } from './store.ts';
import { type Survey, survey } from './survey.ts';
import { createTally, type Totals } from './tally.ts';
import { walkEntries } from './walk.ts';
import type { TemplateWarning } from './warning.ts';

/** What a snapshot is made as. */
export type SnapshotKind = 'subvolume' | 'directory';

/** A template that changes while it is copied is copied anew, so often. */
const ATTEMPTS = 4;
/**
 * Two changes of one file within this time may carry the same change time. Linux stamps by its timer, which ticks every
 * 10 ms at the slowest (CONFIG_HZ=100); five times that leaves room for clocks read a moment apart.
 */
const GRAIN_MS = 50;
/** The same on filesystems that keep whole seconds, or two of them. */
const COARSE_GRAIN_MS = 2_000;

export interface BuildOptions {
  /** The pool's `templates/`. */
  readonly dir: string;
  readonly kind: SnapshotKind;
  readonly clock: Clock;
  /** Reads the template's own facts: directory, version, ignore patterns, commit. */
  readonly source: () => Promise<Source>;
  readonly signal?: AbortSignal;
}

/** A snapshot that was made, and what speaks against the template. */
export interface Built {
  readonly stored: Stored;
  readonly warnings: readonly TemplateWarning[];
}

/**
 * Makes a snapshot of a template as it is at one moment: what was copied is what the fingerprint was taken of before,
 * and again after. Nothing is left behind when it fails, or the message ends with what is. Throws CheckError
 * TEMPLATE_CHANGING, NO_SPACE, TEMPLATE_COPY_FAILED; RefusedError TEMPLATE_UNREADABLE, TEMPLATE_GIT_FILE and what
 * `source` throws; or the signal's reason: what is left then, `sweepLeftovers` meets.
 */
export async function buildSnapshot(options: BuildOptions): Promise<Built> {
  const { signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    const source = await options.source();
    try {
      return await attemptSnapshot(source, options);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isChanging(error)) throw await explainFailure(error, source, options.dir);
      if (attempt < ATTEMPTS) continue;
      throw new CheckError(
        'TEMPLATE_CHANGING',
        `template ${source.name}: it kept changing while it was copied (${ATTEMPTS} times; last: ${error.message})`,
        { template: source.name },
        error,
      );
    }
  }
}

async function attemptSnapshot(source: Source, options: BuildOptions): Promise<Built> {
  const { dir, kind, clock, signal } = options;
  const surveyed = await survey(source, signal);
  checkNotEmpty(source.name, surveyed.included);
  await checkGitFiles(source, surveyed);
  const { scope } = surveyed;
  const before = await fingerprintOf(source, scope, kind, signal);
  const isOldEnough = await waitUntilOld(surveyed.newestAt, clock, signal);
  // A snapshot whose fingerprint a later edit might share is kept under one that no walk comes to.
  const fingerprint = isOldEnough ? before : randomBytes(32).toString('hex');
  const draft = `${snapshotPath(dir, source.name, fingerprint)}.${randomBytes(4).toString('hex')}.draft`;
  try {
    if (kind === 'subvolume') await execa('btrfs', ['subvolume', 'create', '--', draft]);
    else await mkdir(draft);
    await copyIncluded(source, draft, signal);
    const copy = await measureCopy(draft, surveyed, signal);
    const isPlain = (directory: string) => !hasAttributes(pathAt(draft, directory));
    const division = kind === 'directory' ? divide(copy.pieces, isPlain) : null;
    const after = await fingerprintOf(await options.source(), scope, kind, signal);
    if (after !== before) throw new ChangingError('entries changed');
    const warnings = await examine(source, surveyed, signal);
    const path = snapshotPath(dir, source.name, fingerprint);
    await removeTree(path); // of a crash between the rename and the sidecar
    await rename(draft, path);
    const prepared = describe(source, { fingerprint, path, division }, copy.totals);
    return { stored: { prepared, scope, preparedAt: clock.now(), boot: await bootId() }, warnings };
  } catch (error) {
    const failure = signal?.aborted ? error : await explainFailure(error, source, dir);
    throw await removeAfter(failure, draft);
  }
}

interface Made {
  readonly fingerprint: string;
  readonly path: string;
  readonly division: Division | null;
}

function describe(source: Source, made: Made, { bytes, inodes }: Totals): Prepared {
  const { name, version, originCommit } = source;
  const commit = originCommit === UNKNOWN_COMMIT ? UNKNOWN_COMMIT : originCommit.slice(0, 8);
  return {
    ...made,
    template: name,
    version,
    originCommit,
    templateRef: `git:${commit}`,
    allocatedBytes: bytes,
    inodes,
  };
}

/**
 * As git does with its index: what changed a moment ago may change again without its change time telling. So the copy
 * begins only when all that the fingerprint saw is old enough for any later change to show. False where a change time
 * lies in the future, which waiting would not mend.
 */
async function waitUntilOld(newestAt: number, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const grainMs = newestAt % 1000 === 0 ? COARSE_GRAIN_MS : GRAIN_MS;
  await sleep(grainMs, undefined, signal ? { signal } : {});
  return newestAt + grainMs <= clock.now();
}

/** What the copy is, and how much; throws ChangingError when it does not hold what was surveyed. */
async function measureCopy(dir: string, surveyed: Survey, signal?: AbortSignal) {
  const tally = createTally();
  const pieces: Piece[] = [];
  const directories = surveyed.scope.flatMap((part) => part.directories);
  await walkEntries({ dir, directories, format: tally.format, ...(signal ? { signal } : {}) }, (entry) => {
    const piece = tally.add(entry);
    if (piece) pieces.push(piece);
  });
  if (!tally.covers(surveyed.included)) throw new ChangingError('entries came or went');
  return { totals: tally.read() satisfies Totals, pieces };
}

import { randomBytes } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { CheckError, type Clock } from '@spica/core';
import { execa } from 'execa';
import { BEST_COMPRESSION } from '../blocks.ts';
import { bootId } from '../claim/identity.ts';
import { divide, type Piece } from '../clone/division.ts';
import type { Pool } from '../layout.ts';
import { hasAttributes } from '../native/attributes.ts';
import { removeAfter } from '../remove/remove-after.ts';
import { removeTree } from '../remove/remove-tree.ts';
import { surveyClonable } from './clonable.ts';
import type { Copied } from './copied.ts';
import { examine } from './examine.ts';
import { explainFailure, isChanging } from './failure.ts';
import { fingerprintOf } from './fingerprint.ts';
import { pathAt } from './key.ts';
import type { Prepared } from './prepared.ts';
import { recheck } from './recheck.ts';
import { ChangingError, copyIncluded } from './rsync.ts';
import { runPrepare } from './run-prepare.ts';
import { nameCommit, type Prepare, type Source } from './source.ts';
import { type SnapshotKind, type Stored, snapshotPath } from './store.ts';
import type { Survey } from './survey.ts';
import { createTally, type Totals } from './tally.ts';
import { waitUntilOld } from './wait-until-old.ts';
import { listDirectories, walkEntries } from './walk.ts';
import type { TemplateWarning } from './warning.ts';

/** A template that changes while it is copied is copied anew, so often. */
const ATTEMPTS = 4;
export interface BuildOptions {
  readonly pool: Pool;
  readonly kind: SnapshotKind;
  readonly clock: Clock;
  /** Reads the template's own facts: directory, version, ignore patterns, commit. */
  readonly source: () => Promise<Source>;
  readonly signal?: AbortSignal;
}

/** A snapshot that was made, and what speaks against the template. */
export interface Built {
  readonly stored: Stored;
  /** Empty where a later change might not show. */
  readonly copied: Copied;
  readonly warnings: readonly TemplateWarning[];
}

/**
 * Makes a snapshot of a template as it is at one moment: what was copied is what the fingerprint was taken of before,
 * and again after, or by comparison after. Nothing is left behind when it fails, or the message ends with what is. Throws CheckError
 * TEMPLATE_CHANGING, NO_SPACE, TEMPLATE_COPY_FAILED, PREPARE_FAILED, PREPARE_TIMED_OUT; RefusedError TEMPLATE_UNREADABLE and what
 * `surveyClonable` and `source` throw; or the signal's reason: what is left then, `sweepLeftovers` meets.
 */
export async function buildSnapshot(options: BuildOptions): Promise<Built> {
  const { signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    const source = await options.source();
    try {
      return await attemptSnapshot(source, options);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isChanging(error)) throw await explainFailure(error, source, options.pool.paths.templates);
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
  const { pool, kind, clock, signal } = options;
  const dir = pool.paths.templates;
  const surveyed = await surveyClonable(source, signal);
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
    const described = describe(source, { fingerprint, path: draft }, copy, kind);
    const boot = await bootId();
    const made = {
      prepared: described,
      scope,
      seenAs: fingerprint,
      prepare: null,
      preparedAt: clock.now(),
      boot,
    };
    const copied: Copied = isOldEnough ? surveyed.files : new Map();
    const after = await fingerprintOf(await options.source(), scope, kind, signal);
    const kept = after === before ? { stored: made, copied } : await confirm(made, copied, options);
    const warnings = await examine(source, surveyed, signal);
    const ready = source.prepare
      ? await prepareDraft(source, kept.stored, source.prepare, options)
      : kept.stored;
    const path = snapshotPath(dir, source.name, fingerprint);
    await removeTree(path); // of a crash between the rename and the sidecar
    await rename(draft, path);
    const stored = { ...ready, prepared: { ...ready.prepared, path } };
    return { stored, copied: kept.copied, warnings };
  } catch (error) {
    const failure = signal?.aborted ? error : await explainFailure(error, source, dir);
    throw await removeAfter(failure, draft);
  }
}

/** Change times have moved while it was copied: it is whole all the same where nothing differs. Throws ChangingError. */
async function confirm(made: Stored, copied: Copied, options: BuildOptions) {
  const checked = await recheck(made, { ...options, copied });
  if ('difference' in checked) throw new ChangingError(checked.difference);
  return checked;
}

/** Has the template's command prepare a copy, which is measured again: it may have put anything into it. */
async function prepareDraft(
  source: Source,
  { prepared: { fingerprint, path }, ...rest }: Stored,
  command: Prepare,
  { pool, kind, signal }: BuildOptions,
): Promise<Stored> {
  const optional = signal ? { signal } : {};
  await runPrepare({ pool, template: source.name, draft: path, command, ...optional });
  const copy = await measureAll(path, await listDirectories(path, signal), signal);
  return { ...rest, prepared: describe(source, { fingerprint, path }, copy, kind), prepare: command.argv };
}

/** What a copy came to. */
interface Copy {
  readonly totals: Totals;
  readonly pieces: readonly Piece[];
}

function describe(
  source: Source,
  made: { readonly fingerprint: string; readonly path: string },
  { totals: { bytes, inodes }, pieces }: Copy,
  kind: SnapshotKind,
): Prepared {
  const { name, version } = source;
  const isPlain = (directory: string) => !hasAttributes(pathAt(made.path, directory));
  const division = kind === 'directory' ? divide(pieces, isPlain) : null;
  return { ...made, division, template: name, version, ...nameCommit(source), allocatedBytes: bytes, inodes };
}

/** What the copy is, and how much; throws ChangingError when it does not hold what was surveyed. */
async function measureCopy(dir: string, { scope, included }: Survey, signal?: AbortSignal): Promise<Copy> {
  const directories = scope.flatMap((part) => part.directories);
  return measureAll(dir, directories, signal, included);
}

/** @param included Keys of what has to be there, and nothing else; undefined where it may be anything. */
async function measureAll(
  dir: string,
  directories: readonly string[],
  signal?: AbortSignal,
  included?: ReadonlySet<string>,
): Promise<Copy> {
  const tally = createTally();
  const pieces: Piece[] = [];
  await walkEntries({ dir, directories, format: tally.format, ...(signal ? { signal } : {}) }, (entry) => {
    const piece = tally.add(entry);
    if (piece) pieces.push(piece);
  });
  if (included && !tally.covers(included)) throw new ChangingError('entries came or went');
  const data = await tally.readData(dir, signal);
  const weighed = pieces.map((piece) => ({
    ...piece,
    bytes: Math.max(piece.bytes, data.get(piece.key) ?? 0),
  }));
  return { totals: tally.read(data) satisfies Totals, pieces: weighed };
}

/**
 * How much a snapshot is once it is on the disk: by its blocks, which some filesystems count only then, and which may be
 * fewer than its data where it is compressed; by its data where blocks are not counted at all. Throws VanishedError,
 * UnreadableError.
 */
export async function measureSynced({ prepared, scope, prepare }: Stored): Promise<Totals> {
  const tally = createTally();
  const directories = prepare
    ? await listDirectories(prepared.path)
    : scope.flatMap((part) => part.directories);
  await walkEntries({ dir: prepared.path, directories, format: tally.format }, tally.add);
  const { bytes, blockBytes, inodes } = tally.read(await tally.readData(prepared.path));
  return { bytes: blockBytes * BEST_COMPRESSION < bytes ? bytes : blockBytes, inodes };
}

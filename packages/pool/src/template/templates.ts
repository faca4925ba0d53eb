import { isDeepStrictEqual } from 'node:util';
import { type Clock, type CloneMethod, RefusedError } from '@spica/core';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import { createSerialiser } from '../async/serialiser.ts';
import { singleFlight } from '../async/single-flight.ts';
import { asNoSpace } from '../clone/full-disk.ts';
import type { Pool } from '../layout.ts';
import { syncFilesystem } from '../sync.ts';
import { keepBaseline } from '../unsaved/baseline.ts';
import { buildSnapshot, measureSynced } from './build.ts';
import { surveyClonable } from './clonable.ts';
import { type Copied, readCopied, sizeOfCopied, writeCopied } from './copied.ts';
import { digestsOf, fingerprintFrom } from './fingerprint.ts';
import { createKnown } from './known.ts';
import type { Prepared } from './prepared.ts';
import { recheck } from './recheck.ts';
import { type Location, locateSource, readSource, type Sources } from './source.ts';
import { deleteStored, isDirectory, type SnapshotKind, type Stored, writeSidecar } from './store.ts';
import { listSuperseded, sweepLeftovers } from './sweep.ts';
import { UnreadableError, VanishedError } from './walk.ts';
import type { TemplateWarning } from './warning.ts';

/** A pool's templates, and the snapshots that instances are cloned from. One process at a time prepares and sweeps. */
export interface Templates {
  /**
   * The prepared snapshot of a template as it is now, or null where there is none: every edit made before the call is
   * seen. Throws RefusedError TEMPLATE_* (see `locateSource`, `readSource`).
   */
  current(name: string): Promise<Prepared | null>;
  /** The prepared snapshot of an earlier fingerprint; null when it is gone. */
  get(name: string, fingerprint: string): Promise<Prepared | null>;
  /** What a snapshot of the template as it is now would allocate, with what is kept beside it. Throws as `prepare`. */
  size(name: string): Promise<{ readonly bytes: number; readonly inodes: number }>;
  /**
   * Compares the latest snapshot with the template as it is now (`recheck`) and lets it go on as the template's where
   * nothing differs that a copy would keep; no space is needed. Else says what does; null where there is no snapshot to
   * compare. Throws RefusedError as `size`, or the signal's reason.
   */
  recheck(
    name: string,
    options?: WorkOptions,
  ): Promise<{ prepared: Prepared } | { difference: string | null }>;
  /** Makes a snapshot of the template as it is now. Throws as `buildSnapshot`; nothing is left behind then. */
  prepare(name: string, options?: PrepareOptions): Promise<Prepared>;
  /** Bytes that all prepared snapshots take. */
  preparedBytes(): Promise<number>;
  /**
   * Deletes snapshots that are neither the latest of a template nor, by fingerprint, in `keep`, and what a crash left
   * of unfinished ones. Returns the fingerprints of those deleted.
   */
  sweep(keep: ReadonlySet<string>): Promise<string[]>;
  /**
   * Puts snapshots on the disk that were made a minute ago or before: from then on they outlast a power cut, and what they
   * take is measured again. By then the system has written most of it by itself. Call it when the one before has ended.
   */
  syncSnapshots(): Promise<void>;
}

export interface WorkOptions {
  readonly signal?: AbortSignal;
}

export interface PrepareOptions extends WorkOptions {
  /** Gets what speaks against the template, once it was copied. */
  readonly onWarning?: (warning: TemplateWarning) => void;
}

export interface TemplatesOptions {
  readonly pool: Pool;
  readonly sources: Sources;
  /** Whether a template's `.git` may lead out of it, so that its clones share one repository. */
  readonly allowGitFile?: boolean;
  readonly method: CloneMethod;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The system writes what is in memory for longer than half of this (vm.dirty_expire_centisecs). */
const SYNC_AFTER_MS = 60_000;
/** Between being found and being reserved for a request, a snapshot is in nobody's `keep`. */
const HANDED_OUT_MS = 60_000;

export function createTemplates({
  pool,
  sources,
  allowGitFile = false,
  method,
  clock,
  logger,
}: TemplatesOptions): Templates {
  const dir = pool.paths.templates;
  const kind: SnapshotKind = method === 'snapshot' ? 'subvolume' : 'directory';
  const known = createKnown(dir);
  const handedOut = new Map<string, number>();
  /** Those whose deletion has begun: by fingerprint. */
  const markedForDeletion = new Set<string>();
  const locate = (name: string) => locateSource(pool.paths.root, sources, name);
  const sourceOf = async (name: string) => readSource(await locate(name), allowGitFile);
  const serialiser = createSerialiser();
  /** All preparations, to keep them from beginning during a sweep, which would take what they make for leftovers. */
  const preparations = new PQueue();
  const looks = new Map<string, () => Promise<Prepared | null>>();

  const handOut = async (stored: Stored | null): Promise<Prepared | null> => {
    if (!stored) return null;
    const { fingerprint, path } = stored.prepared;
    handedOut.set(fingerprint, clock.now()); // first: from here on no deletion begins
    return !markedForDeletion.has(fingerprint) && (await isDirectory(path)) ? stored.prepared : null;
  };

  /** What changed or cannot be read any more is not current; preparing it anew says what is wrong. */
  const isCurrent = async ({ seenAs, scope }: Stored, location: Location): Promise<boolean> => {
    const [source, digests] = await Promise.all([
      readSource(location, allowGitFile),
      digestsOf(location.dir, scope).catch((error: unknown) => {
        if (error instanceof VanishedError || error instanceof UnreadableError) return null;
        throw error;
      }),
    ]);
    return digests !== null && fingerprintFrom(source, digests, kind) === seenAs;
  };

  const look = async (name: string): Promise<Prepared | null> => {
    const location = await locate(name);
    const first = await known.latest(name);
    if (first && (await isCurrent(first, location))) return handOut(first);
    const second = await known.reload(name); // another process may have prepared one
    if (!second) await readSource(location, allowGitFile); // is there anything to prepare?
    if (!second || second.seenAs === first?.seenAs) return null;
    return (await isCurrent(second, location)) ? handOut(second) : null;
  };

  /** Writes what is known of a snapshot beside it. Throws CheckError NO_SPACE, or what the filesystem says. */
  const keep = async (stored: Stored, copied: Copied): Promise<void> => {
    const { path, template } = stored.prepared;
    try {
      if (copied.size > 0) await writeCopied(path, copied);
      await writeSidecar(stored);
    } catch (error) {
      const what = `template ${template}: what is known of its snapshot could not be kept`;
      throw (await asNoSpace(error, dir, what)) ?? error;
    }
  };

  const compare: Templates['recheck'] = async (name, options = {}) => {
    const latest = await known.reload(name);
    if (!latest) return { difference: null };
    const { prepare } = await locate(name);
    if (!isDeepStrictEqual(latest.prepare, prepare?.argv ?? null))
      return { difference: 'its prepare command is another' };
    if (prepare) return { difference: 'something of it has changed, or was touched' };
    const copied = await readCopied(latest.prepared.path);
    const source = () => sourceOf(name);
    const result = await recheck(latest, { kind, clock, source, copied, ...options }).catch(
      (error: unknown) => {
        options.signal?.throwIfAborted();
        if (error instanceof RefusedError) throw error;
        return { difference: `it could not be compared: ${(error as Error).message}` };
      },
    );
    if ('difference' in result) return result;
    const { stored } = result;
    await keep(stored, result.copied);
    known.replace(stored);
    handedOut.set(stored.prepared.fingerprint, clock.now());
    return { prepared: stored.prepared };
  };

  const prepare = async (name: string, { signal, onWarning }: PrepareOptions): Promise<Prepared> => {
    signal?.throwIfAborted();
    const current = await look(name); // the one before in the queue may have done it
    if (current) return current;
    const startedAt = clock.now();
    const source = () => sourceOf(name);
    const built = await buildSnapshot({ pool, kind, clock, source, ...(signal ? { signal } : {}) });
    for (const warning of built.warnings) {
      const { code, found, advice } = warning;
      logger.warn({ template: name, code, advice }, `template ${name}: ${found}`);
      onWarning?.(warning);
    }
    // The latest is the one that was prepared last, also where the clock was set back since the one before.
    const before = (await known.latest(name))?.preparedAt ?? 0;
    const stored = { ...built.stored, preparedAt: Math.max(built.stored.preparedAt, before + 1) };
    await keep(stored, built.copied);
    known.add(stored);
    const { fingerprint, allocatedBytes } = stored.prepared;
    const ms = clock.now() - startedAt;
    logger.debug({ template: name, fingerprint, bytes: allocatedBytes, ms }, 'snapshot made');
    handedOut.set(fingerprint, clock.now());
    return stored.prepared;
  };

  const sweepUnlessPreparing = async () => {
    const isBusy = preparations.isPaused || preparations.pending + preparations.size > 0;
    if (isBusy) return; // the next sweep will do
    preparations.pause();
    try {
      await sweepLeftovers(dir);
    } finally {
      preparations.start();
    }
  };

  return {
    current(name) {
      let shared = looks.get(name);
      if (!shared) {
        shared = singleFlight(() => look(name));
        looks.set(name, shared);
      }
      return shared();
    },
    async get(name, fingerprint) {
      return handOut((await known.find(name, fingerprint)) ?? null);
    },
    async size(name) {
      const source = await sourceOf(name);
      const { totals, files } = await surveyClonable(source);
      const { bytes, inodes } = sizeOfCopied(files);
      // What the command adds is known only from the last time.
      const last = source.prepare && (await known.latest(name));
      const { allocatedBytes, inodes: entries } = last?.prepare
        ? last.prepared
        : { allocatedBytes: 0, inodes: 0 };
      return {
        bytes: Math.max(totals.bytes, allocatedBytes) + bytes,
        inodes: Math.max(totals.inodes, entries) + inodes,
      };
    },
    preparedBytes: () => known.totalBytes(),
    recheck: (name, options) => preparations.add(() => serialiser.run(name, () => compare(name, options))),
    prepare: (name, options = {}) =>
      preparations.add(() => serialiser.run(name, () => prepare(name, options))),
    async sweep(keep) {
      const since = clock.now() - HANDED_OUT_MS;
      const swept: string[] = [];
      for (const { fingerprint, path } of await listSuperseded(dir, Object.keys(sources))) {
        if (keep.has(fingerprint) || (handedOut.get(fingerprint) ?? 0) > since) continue;
        markedForDeletion.add(fingerprint);
        try {
          await keepBaseline(path, fingerprint, logger);
          await deleteStored(path);
          swept.push(fingerprint);
        } finally {
          known.forget(fingerprint);
          handedOut.delete(fingerprint);
          markedForDeletion.delete(fingerprint);
        }
      }
      await sweepUnlessPreparing();
      return swept;
    },
    async syncSnapshots() {
      const unsynced = known.unsynced(clock.now() - SYNC_AFTER_MS);
      if (unsynced.length === 0) return;
      await syncFilesystem(dir);
      for (const stored of unsynced) {
        if (!known.has(stored) || markedForDeletion.has(stored.prepared.fingerprint)) continue;
        const { bytes: allocatedBytes } = await measureSynced(stored);
        if (!known.has(stored)) continue;
        const synced = { ...stored, prepared: { ...stored.prepared, allocatedBytes }, boot: null };
        await writeSidecar(synced);
        known.replace(synced);
      }
    },
  };
}

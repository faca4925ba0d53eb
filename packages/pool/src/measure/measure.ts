import type { Clock, Sample } from '@spica/core';
import { execa } from 'execa';
import { inBackground } from '../background.ts';
import type { Pool } from '../layout.ts';
import { markOwn } from '../live/own-programs.ts';
import { measureCharged, readChargesNow } from './charged.ts';
import { createEntryReader, type Entry, FIND_FORMAT } from './entries.ts';
import { exclusiveBytes } from './exclusive.ts';
import { isUncounted, listWithData } from './uncounted.ts';

/** An instance to measure. */
export interface Target {
  readonly id: string;
  /**
   * For a clone that shares its blocks: when it had been cloned, in epoch milliseconds. What changed later is its own.
   * Null where all of it is.
   */
  readonly sharesSince: number | null;
  /** A btrfs snapshot: then the filesystem itself can tell what is its own. */
  readonly isSnapshot: boolean;
}

/** An instance in the trash, to measure. */
export interface TrashedTarget extends Target {
  /** What it is called there. */
  readonly name: string;
}

/** A sample, before it is compared with the one before. */
export type Measurement = Omit<Sample, 'changedAt'>;

/** A measurement as a walk yields it. */
interface Walked extends Measurement {
  /** What the files claim that are sparse, or whose blocks are not counted. */
  readonly uncountedBytes: number;
}

/** So much has to be in question before a tree is walked again. */
const WORTH_A_LOOK = 1_000_000;
/** So many processes walk at once; beyond two it is mostly the disk that is waited for. */
const WALKERS = 2;

/**
 * Measures instances: those of an image pool by what the kernel charges to them, all in one call, the others in one walk:
 * what is allocated and what is claimed (hard links once within an instance), inodes,
 * and what of both is the instance's own. A file that has a name outside, as in a package manager's cache, is not. For
 * btrfs snapshots the bytes are what they share with nothing else; for reflink clones, and where btrfs does not tell, an
 * estimate: the allocated bytes of files that changed since the clone, whole, though a part of their blocks may still be
 * shared. Instances that vanish meanwhile are missing in the result;
 * files that do are not counted. What cannot be read is left out, and the sample says so.
 */
export async function measureInstances(
  pool: Pool,
  targets: readonly Target[],
  options: MeasureOptions,
): Promise<Map<string, Measurement>> {
  for (const { id } of targets) pool.pathOf(id); // refuses what is no id, before it gets to a command line
  const trees = targets.map((target) => ({ ...target, name: target.id }));
  return measureAll(pool, pool.paths.root, trees, options);
}

/** Like `measureInstances`, of those that lie in the trash. */
export async function measureTrashed(
  pool: Pool,
  targets: readonly TrashedTarget[],
  options: MeasureOptions,
): Promise<Map<string, Measurement>> {
  return measureAll(pool, pool.paths.trash, targets, options);
}

export interface MeasureOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

async function measureAll(
  pool: Pool,
  dir: string,
  targets: readonly TrashedTarget[],
  options: MeasureOptions,
): Promise<Map<string, Measurement>> {
  if (targets.length === 0) return new Map();
  const charges = await readChargesNow(pool.paths.root, options.signal);
  const charged = charges && (await measureCharged(dir, targets, charges, options.clock));
  if (!charged) return measureTrees(dir, targets, options);
  const others = targets.filter(({ id }) => !charged.has(id));
  return new Map([...charged, ...(await measureTrees(dir, others, options))]);
}

async function measureTrees(
  dir: string,
  targets: readonly TrashedTarget[],
  options: MeasureOptions,
): Promise<Map<string, Measurement>> {
  const shares = Array.from({ length: WALKERS }, (_, walker) =>
    targets.filter((_target, i) => i % WALKERS === walker),
  );
  const snapshots = targets.filter(({ isSnapshot }) => isSnapshot).map(({ name }) => name);
  const [exclusive, ...walked] = await Promise.all([
    exclusiveBytes(dir, snapshots, options.signal),
    ...shares.map((share) => walk(dir, share, options)),
  ]);
  const samples = new Map(walked.flatMap((map) => [...map]));
  for (const { name, sharesSince } of targets) {
    const walk = samples.get(name);
    if (!walk || walk.uncountedBytes <= WORTH_A_LOOK) continue;
    const again = await measureByData(dir, { name, sharesSince }, options);
    if (again) samples.set(name, { ...walk, ...again });
  }
  return new Map(
    targets.flatMap(({ id, name }) => {
      const walk = samples.get(name);
      if (!walk) return [];
      const { uncountedBytes, ...sample } = walk;
      return [[id, { ...sample, ownBytes: exclusive.get(name) ?? sample.ownBytes }]];
    }),
  );
}

/** By what is data, not by blocks: these are not counted, or the tree is sparse. Null where it is gone. */
async function measureByData(
  dir: string,
  { name, sharesSince }: Pick<TrashedTarget, 'name' | 'sharesSince'>,
  { clock, signal }: MeasureOptions,
): Promise<Walked | null> {
  const tally = createTally(sharesSince);
  const entries = await listWithData(dir, name, signal);
  if (entries.length === 0) return null;
  for (const entry of entries) tally.add(entry);
  return { at: clock.now(), ...tally.read() };
}

async function walk(
  dir: string,
  targets: readonly TrashedTarget[],
  { clock, signal }: MeasureOptions,
): Promise<Map<string, Walked>> {
  const samples = new Map<string, Walked>();
  if (targets.length === 0) return samples;
  const since = new Map(targets.map(({ name, sharesSince }) => [name, sharesSince]));
  let tally: ReturnType<typeof createTally> | null = null;
  let current = '';
  const finish = () => {
    if (tally) samples.set(current, { at: clock.now(), ...tally.read() });
  };
  const read = createEntryReader({
    start(name) {
      finish();
      current = name;
      tally = createTally(since.get(name) ?? null);
    },
    entry: (entry) => tally?.add(entry),
  });
  const [command, args] = inBackground('find', ['-P', ...since.keys(), '-mount', ...FIND_FORMAT]);
  const child = markOwn(
    execa(command, args, {
      cwd: dir,
      env: { LC_ALL: 'C' },
      stdin: 'ignore',
      buffer: { stdout: false },
      reject: false, // a part that vanished or cannot be read ends it with 1
      ...(signal ? { cancelSignal: signal } : {}),
    }),
  );
  for await (const chunk of child.stdout) read(chunk);
  finish();
  const { exitCode, stderr, message = '' } = await child;
  signal?.throwIfAborted();
  if (exitCode === undefined || exitCode > 1) throw new Error(`measuring failed: ${message}`);
  markUnread(samples, stderr);
  return samples;
}

/** An inode of several names, as far as it was walked. */
interface Linked {
  /** Names that were not seen: where some stay so, it outlasts the instance. */
  unseen: number;
  /** What it adds to the instance's own bytes once all of its names were seen. */
  readonly bytes: number;
}

function createTally(sharesSince: number | null) {
  const linked = new Map<string, Linked>();
  const sum = { allocatedBytes: 0, apparentBytes: 0, inodes: 0, ownBytes: 0, uncountedBytes: 0 };
  return {
    add(entry: Entry): void {
      const { isDirectory, links, allocatedBytes, apparentBytes, inode, changedAt } = entry;
      const before = linked.get(inode);
      if (before) {
        before.unseen -= 1;
        return;
      }
      const isShared = sharesSince !== null && !isDirectory && changedAt <= sharesSince;
      const bytes = isShared ? 0 : allocatedBytes;
      sum.allocatedBytes += allocatedBytes;
      sum.inodes += 1;
      if (isUncounted(entry)) sum.uncountedBytes += apparentBytes;
      if (!isDirectory) sum.apparentBytes += apparentBytes;
      if (isDirectory || links === 1) sum.ownBytes += bytes;
      else linked.set(inode, { unseen: links - 1, bytes });
    },
    read() {
      // Files may claim more, all together, than a number can hold to the byte.
      const own = { ...sum, apparentBytes: Math.min(sum.apparentBytes, Number.MAX_SAFE_INTEGER) };
      let kept = 0;
      for (const { unseen, bytes } of linked.values()) {
        if (unseen > 0) kept += 1;
        else own.ownBytes += bytes;
      }
      return kept === 0 ? own : { ...own, ownInodes: own.inodes - kept };
    },
  };
}

/** What find could not read, it names on standard error: `find: 'spica-…/secret': Permission denied`. */
const UNREAD = /^find: .?(spica-[0-9a-f.]+)\b.*: (?!No such file or directory$)[^:]*$/gm;

function markUnread(samples: Map<string, Walked>, stderr: string): void {
  for (const [, name = ''] of stderr.matchAll(UNREAD)) {
    const sample = samples.get(name);
    if (sample) samples.set(name, { ...sample, incomplete: true });
  }
}

import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { CheckError, type CollectAs, type Collected, isoTime, SpicaError } from '@spica/core';
import { boundToUs } from '../bound.ts';
import { outOf } from '../clone/full-disk.ts';
import { type Copied, copyFile, copyLink } from './copy.ts';
import { findMatches, type Match } from './match.ts';
import { clearPlace, preparePlace, takePlace } from './place.ts';
import { type CollectLimits, createRoom, type Room, tooLarge } from './room.ts';

/** What to collect of an instance, and where to. */
export interface CollectInput extends CollectLimits {
  readonly id: string;
  readonly experiment: string | null;
  /** The instance's directory. */
  readonly dir: string;
  readonly patterns: readonly string[];
  /** A directory that is there; the results go to a path of these parts below it. */
  readonly to: string;
  readonly parts: readonly string[];
  readonly as: CollectAs;
  /** When it is, epoch milliseconds. */
  readonly at: number;
  /** Its first number becomes 1 when nobody wants it any more. */
  readonly cancelled: Int32Array;
}

/** Said beside the results, of what matches and is not among them. */
const COLLECTED_FILE = 'spica-collected.json';
/** So many are named; all are counted. */
const MOST_NAMED = 1_000;
/** A file's own place on the disk, and a directory's, at most, besides its data. */
const ENTRY_BYTES = 4096;

/**
 * Copies what of an instance matches, so that it is in its place whole or not at all, and on the disk. An earlier collection
 * of the instance there is replaced. Blocks, for a thread of its own. Throws CheckError: COLLECT_TARGET, COLLECT_TOO_LARGE
 * and COLLECT_NO_ROOM (before anything is copied, or in the middle), COLLECT_CANCELLED, and what the filesystem says.
 */
function carryOut(input: CollectInput): Collected {
  const { to, parts, as } = input;
  const from = realInstance(input.dir);
  const { matches, state } = findMatches(from, input.patterns, () => throwIfCancelled(input));
  const place = preparePlace({
    to,
    parts,
    pool: dirname(from),
    suffix: as === 'directory' ? '' : '.tar.zst',
  });
  try {
    const room = createRoom(dirname(place.target), input);
    requireRoom(matches, input, room);
    const { files, bytes, skipped } = copyAll(matches, { from, to: place.staging }, input, room);
    writeReport(place.staging, input, { files, bytes, skipped });
    if (as === 'tar.zst') pack(place.staging, place.archive);
    const whole = as === 'directory' ? place.staging : place.archive;
    execFileSync('sync', ['-f', '--', whole], { stdio: ['ignore', 'ignore', 'pipe'] });
    throwIfCancelled(input);
    takePlace(whole, place);
    syncDirectory(dirname(place.target));
    return { at: input.at, to: place.target, files, bytes, skipped: skipped.length, state };
  } finally {
    clearPlace(place);
  }
}

/** What a task came to: of what a thread throws only the message would come back. */
export type CollectTaskResult<T> =
  | { readonly done: T }
  | { readonly failed: { readonly code: string; readonly message: string } };

/** `carryOut`, for a thread. */
export function collectTask(input: CollectInput): CollectTaskResult<Collected> {
  return settled(() => carryOut(input));
}

/** The state of what matches now (see `Collected.state`), for a thread. */
export function stateTask(dir: string, patterns: readonly string[]): CollectTaskResult<string> {
  return settled(() => findMatches(realInstance(dir), patterns).state);
}

function settled<T>(work: () => T): CollectTaskResult<T> {
  try {
    return { done: work() };
  } catch (error) {
    const { code, message } = error instanceof SpicaError ? error : describe(error);
    return { failed: { code, message } };
  }
}

/** What the system says, in words. */
function describe(error: unknown): { code: string; message: string } {
  const { errno, code = '', path = '', message } = error as NodeJS.ErrnoException;
  if (errno === undefined) return { code: 'COLLECT_FAILED', message };
  const said = `${getSystemErrorMessage(errno)} (${code})`;
  return {
    code: outOf(error) === null ? 'COLLECT_FAILED' : 'COLLECT_NO_ROOM',
    message: path === '' ? said : `${path}: ${said}`,
  };
}

/** What took the instance's place must not lead elsewhere. Throws CheckError COLLECT_SOURCE. */
function realInstance(dir: string): string {
  const path = join(realpathSync(dirname(dir)), basename(dir));
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new CheckError('COLLECT_SOURCE', `${dir} is no directory`);
}

/** An archive is made beside the files that go into it. */
function requireRoom(matches: readonly Match[], input: CollectInput, room: Room): void {
  const bytes = matches.reduce((sum, { stat }) => sum + allocated(stat), 0);
  if (bytes > input.mostBytes) throw tooLarge(bytes, input);
  const times = input.as === 'directory' ? 1 : 2;
  room.require({ bytes: times * (bytes + ENTRY_BYTES), inodes: matches.length + 1 });
}

function allocated({ blocks, mode }: Match['stat']): number {
  return (Number(mode) & S_IFMT) === S_IFREG ? Number(blocks) * 512 : 0;
}

interface Skipped {
  readonly path: string;
  readonly reason: string;
}

interface CopiedAll {
  readonly files: number;
  readonly bytes: number;
  readonly skipped: readonly Skipped[];
}

function copyAll(
  matches: readonly Match[],
  { from, to }: { readonly from: string; readonly to: string },
  input: CollectInput,
  room: Room,
): CopiedAll {
  mkdirSync(to);
  const beforeWrite = (bytes: number) => {
    throwIfCancelled(input);
    room.take(bytes);
  };
  let [files, bytes] = [0, 0];
  const skipped: Skipped[] = [];
  for (const { path, stat } of matches) {
    throwIfCancelled(input);
    const copied = copyOne(path, Number(stat.mode) & S_IFMT, { from, to, beforeWrite });
    if ('skipped' in copied) skipped.push({ path, reason: copied.skipped });
    else {
      files += 1;
      bytes += copied.bytes;
    }
  }
  return { files, bytes, skipped };
}

const { S_IFMT, S_IFREG, S_IFLNK } = constants;

function copyOne(path: string, type: number, terms: Parameters<typeof copyFile>[1]): Copied {
  if (path === COLLECTED_FILE) return { skipped: 'that is what says what was collected' };
  if (type === S_IFREG) return copyFile(path, terms);
  return type === S_IFLNK ? copyLink(path, terms) : { skipped: 'it is a pipe, socket or device' };
}

function writeReport(staging: string, input: CollectInput, { files, bytes, skipped }: CopiedAll): void {
  const report = {
    schema: 'spica.collected/v1',
    spica_id: input.id,
    experiment: input.experiment,
    collected_at: isoTime(input.at),
    patterns: input.patterns,
    files,
    bytes,
    skipped_count: skipped.length,
    skipped: skipped.slice(0, MOST_NAMED),
  };
  writeFileSync(join(staging, COLLECTED_FILE), `${JSON.stringify(report, null, 2)}\n`, { flag: 'wx' });
}

/** Throws CheckError COLLECT_ARCHIVE with what the programs say. */
function pack(staging: string, archive: string): void {
  const args = ['--create', '--sparse', '--sort=name', '--use-compress-program=zstd -q', '--file', archive];
  try {
    const [command, bound] = boundToUs('tar', [...args, '--directory', staging, '.']);
    execFileSync(command, bound, {
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { readonly stderr?: Buffer };
    const said =
      code === 'ENOENT'
        ? 'tar was not found'
        : String(stderr ?? error)
            .trim()
            .split('\n', 1)[0];
    const message = `${basename(archive)}: it could not be packed (collect_as: tar.zst takes tar and zstd): ${said}`;
    throw new CheckError('COLLECT_ARCHIVE', message, {}, error);
  }
}

function syncDirectory(path: string): void {
  const dir = openSync(path, 'r');
  try {
    fsyncSync(dir);
  } finally {
    closeSync(dir);
  }
}

function throwIfCancelled({ cancelled }: CollectInput): void {
  if (Atomics.load(cancelled, 0) !== 0) throw new CheckError('COLLECT_CANCELLED', 'it was not to go on');
}

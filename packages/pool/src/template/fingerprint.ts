import { createHash } from 'node:crypto';
import type { Source } from './source.ts';
import { createSplitter, isDirectoryAt, keyAt, walk } from './walk.ts';
import { MOST_ENTRIES, walkHere } from './walk-here.ts';

/** Directories of a template that are walked together. */
export interface Part {
  /** Keys (walk.ts) of directories that rsync copies. */
  readonly directories: readonly string[];
  /** Keys of what lies in them and is left out. */
  readonly leftOut: ReadonlySet<string>;
  /** How many entries a walk of it found, what is left out too. */
  readonly entries: number;
}

/** What of a template is looked at for its fingerprint: what rsync would copy. The parts are walked at the same time. */
export type Scope = readonly Part[];

/**
 * Any change of an entry moves its change time, which cannot be set; what takes its place is another inode. Mode and
 * size tell changes apart where a clock was set back. Owners and the other times would be a sixth more to print.
 */
const FACTS = '%m %s %i %C@';

/**
 * A hash over the metadata of every entry in scope and what else a snapshot depends on. New entries are seen, since
 * they lie in a directory that is listed; what is left out by name is not. A writer through a shared memory mapping is
 * seen when the kernel notes the change. Throws VanishedError, UnreadableError.
 *
 * @param kind What the snapshot is made as; one that is no subvolume cannot be cloned as one.
 */
export async function fingerprintOf(
  source: Source,
  scope: Scope,
  kind: string,
  signal?: AbortSignal,
): Promise<string> {
  const digests = await Promise.all(scope.map((part) => digestOf(source.dir, part, signal)));
  const { name, dir, version, originCommit } = source;
  return createHash('sha256')
    .update(JSON.stringify([kind, name, dir, version, originCommit]))
    .update(createHash('sha256').update(source.ignore).digest())
    .update(Buffer.concat(digests))
    .digest('hex');
}

async function digestOf(dir: string, part: Part, signal?: AbortSignal): Promise<Buffer> {
  const { directories, leftOut, entries } = part;
  const hash = createHash('sha256');
  if (entries <= MOST_ENTRIES) {
    walkHere({ dir, directories, entries }, (key, { mode, size, ino, ctimeNs }) => {
      if (!leftOut.has(key)) hash.update(`${key}\0${mode} ${size} ${ino} ${ctimeNs}\0`);
    });
    return hash.digest();
  }
  const walked = { dir, directories, format: FACTS, ...(signal ? { signal } : {}) };
  if (leftOut.size === 0) await walk(walked, (chunk) => hash.update(chunk));
  else await walk(walked, createFilter(leftOut, hash));
  return hash.digest();
}

/** Hashes all but what is left out, in as few pieces as there are gaps: a call for each entry would cost more than the walk. */
function createFilter(leftOut: ReadonlySet<string>, hash: { update(data: Buffer): unknown }) {
  let from = 0;
  return createSplitter(
    (data, { path, facts, end }) => {
      if (!leftOut.has(keyAt(data, path, facts - 1, isDirectoryAt(data, facts)))) return;
      if (path > from) hash.update(data.subarray(from, path));
      from = end;
    },
    (data, end) => {
      if (end > from) hash.update(data.subarray(from, end));
      from = 0;
    },
  );
}

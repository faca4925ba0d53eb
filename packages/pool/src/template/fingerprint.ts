import { createHash } from 'node:crypto';
import { inThread } from '../threads/threads.ts';
import type { Part } from './digest.ts';
import { formatRules } from './ignore.ts';
import type { Source } from './source.ts';
import { UnreadableError, VanishedError } from './walk.ts';

/** What of a template is looked at for its fingerprint: what rsync would copy. The parts are looked at at the same time. */
export type Scope = readonly Part[];

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
  return fingerprintFrom(source, await digestsOf(source.dir, scope, signal), kind);
}

/** The same, from digests that were taken before (`digestsOf`). */
export function fingerprintFrom(source: Source, digests: readonly Uint8Array[], kind: string): string {
  const { name, dir, version, originCommit, allowGitFile, prepare } = source;
  const command = prepare ? [prepare.argv] : []; // nothing, as in what earlier versions made
  return createHash('sha256')
    .update(JSON.stringify([kind, name, dir, version, originCommit, allowGitFile, ...command]))
    .update(createHash('sha256').update(formatRules(source.rules)).digest())
    .update(Buffer.concat(digests))
    .digest('hex');
}

/** The digests of all parts, taken at the same time. Throws VanishedError, UnreadableError. */
export function digestsOf(dir: string, scope: Scope, signal?: AbortSignal): Promise<Uint8Array[]> {
  return Promise.all(scope.map((part) => digestOf(dir, part, signal)));
}

async function digestOf(dir: string, part: Part, signal?: AbortSignal): Promise<Uint8Array> {
  const found = await inThread('digest', { dir, part }, signal);
  if ('vanished' in found) throw new VanishedError(found.vanished);
  if ('unreadable' in found) throw new UnreadableError(found.unreadable);
  return found.digest;
}

import { execa } from 'execa';
import { inBackground } from '../background.ts';
import { BEST_COMPRESSION } from '../blocks.ts';
import { markOwn } from '../live/own-programs.ts';
import { inThread } from '../threads/threads.ts';
import { type Entry, readEntry } from './entries.ts';

/** Whether a file has so few blocks for what it claims that it is sparse, or they are not counted. */
export function isUncounted({ isFile, allocatedBytes, apparentBytes }: Entry): boolean {
  return isFile && allocatedBytes * BEST_COMPRESSION < apparentBytes;
}

/**
 * The entries of a tree in which files are `isUncounted`: these with what of them is data instead of their blocks. What
 * vanishes meanwhile, or cannot be read, is missing.
 */
export async function listWithData(dir: string, name: string, signal?: AbortSignal): Promise<Entry[]> {
  const format = '%p\\0%y %n %b %s %i %C@\\0';
  const [command, args] = inBackground('find', ['-P', name, '-mount', '-printf', format]);
  const { stdout } = await markOwn(
    execa(command, args, {
      cwd: dir,
      env: { LC_ALL: 'C' },
      stdin: 'ignore',
      stderr: 'ignore',
      encoding: 'buffer',
      maxBuffer: Number.POSITIVE_INFINITY,
      reject: false, // a part that vanished or cannot be read ends it with 1
      ...(signal ? { cancelSignal: signal } : {}),
    }),
  );
  signal?.throwIfAborted();
  const found = readListing(Buffer.from(stdout ?? ''));
  const uncounted = found.filter(({ entry }) => isUncounted(entry));
  const data = await inThread('data', { dir, keys: uncounted.map(({ path }) => path) }, signal);
  const bytesOf = new Map(uncounted.map(({ entry }, i) => [entry, data[i] ?? 0]));
  return found.map(({ entry }) => {
    const allocatedBytes = Math.max(entry.allocatedBytes, bytesOf.get(entry) ?? 0);
    return { ...entry, allocatedBytes };
  });
}

function readListing(listing: Buffer): { readonly path: string; readonly entry: Entry }[] {
  const found: { path: string; entry: Entry }[] = [];
  for (let at = 0; ; ) {
    const facts = listing.indexOf(0, at) + 1;
    const end = facts === 0 ? -1 : listing.indexOf(0, facts);
    if (end === -1) return found;
    found.push({ path: listing.toString('latin1', at, facts - 1), entry: readEntry(listing, facts, end) });
    at = end + 1;
  }
}

import { formatBytes, type Space } from '@spica/core';
import checkDiskSpace from 'check-disk-space';
import { readSpace } from './space.ts';

/** Its types are those of its CommonJS build; what Node imports is the function itself. */
const askDf = checkDiskSpace as unknown as typeof checkDiskSpace.default;

/** `df` counts in KiB; what it rounds, and a file or two that came or went, is no disagreement. */
const SLACK_BYTES = 2 ** 20;
/** What comes and goes while they are read can be taken for one, but not so often in a row. */
const READINGS = 3;

/** What `df` says of a filesystem, in bytes; NaN for what it does not say. */
export interface DfSpace {
  readonly availableBytes: number;
  readonly totalBytes: number;
}

export interface SpaceReaders {
  readonly statfs: (dir: string) => Promise<Space>;
  readonly df: (dir: string) => Promise<DfSpace>;
}

const READERS: SpaceReaders = { statfs: readSpace, df: readByDf };

/**
 * Whether `df` (through check-disk-space) and `statfs` agree on the space of the filesystem that holds `dir`: null where
 * they do, or where `df` cannot be asked; else a sentence for people with the figures. Takes some 20 ms, as it starts a
 * program. Throws what `statfs` throws.
 */
export async function doubtSpace(dir: string, readers: SpaceReaders = READERS): Promise<string | null> {
  let doubt: string | null = null;
  for (let reading = 0; reading < READINGS; reading += 1) {
    const before = await readers.statfs(dir);
    const df = await readers.df(dir).catch(() => null); // no second opinion is no disagreement
    if (df === null) return null;
    doubt = compareSpace({ before, df, after: await readers.statfs(dir) });
    if (doubt === null) return null;
  }
  return doubt;
}

/**
 * Compares what `df` said with what `statfs` said before and after: they agree where df's figure is no further outside of
 * the two than 1 MiB, so that whatever moved in between is allowed for. Both count what ordinary users can use, without
 * the blocks that a filesystem reserves for root. Null where they agree, else a sentence for people.
 */
export function compareSpace({
  before,
  df,
  after,
}: {
  before: Space;
  df: DfSpace;
  after: Space;
}): string | null {
  if (isOutside(df.totalBytes, before.totalBytes, after.totalBytes)) {
    return `df and statfs disagree on the size of the disk: ${formatBytes(df.totalBytes)} and ${formatBytes(after.totalBytes)}`;
  }
  if (isOutside(df.availableBytes, before.availableBytes, after.availableBytes)) {
    return (
      `df and statfs disagree on the free space: ${formatBytes(df.availableBytes)} and ` +
      `${formatBytes(after.availableBytes)}, of which ${formatBytes(Math.abs(after.availableBytes - before.availableBytes))} moved in between`
    );
  }
  return null;
}

/** False for NaN: what was not said contradicts nothing. */
function isOutside(value: number, one: number, other: number): boolean {
  return value < Math.min(one, other) - SLACK_BYTES || value > Math.max(one, other) + SLACK_BYTES;
}

async function readByDf(dir: string): Promise<DfSpace> {
  const { free, size } = await askDf(dir);
  return { availableBytes: free, totalBytes: size };
}

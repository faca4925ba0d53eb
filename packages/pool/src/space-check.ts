import { setTimeout } from 'node:timers/promises';
import { formatBytes, type Space } from '@spica/core';
import checkDiskSpace from 'check-disk-space';
import { readSpace } from './space.ts';

/** Its types are those of its CommonJS build; what Node imports is the function itself. */
const askDf = checkDiskSpace as unknown as typeof checkDiskSpace.default;

/** `df` counts in KiB; what it rounds, and a file or two that came or went, is no disagreement. */
const SLACK_BYTES = 2 ** 20;
/** What comes and goes between two looks can be taken for one, but not so often in a row. */
const TRIES = 3;
/** Between two tries, and at most between two looks by `statfs` while `df` runs. */
const PAUSE_MS = 100;
const MOST_LOOK_MS = 1_000;

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
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (tried > 0) await setTimeout(PAUSE_MS);
    const read = await readBoth(dir, readers);
    if (read === null) return null;
    doubt = compareSpace(read);
    if (doubt === null) return null;
  }
  return doubt;
}

/** What `df` says, and `statfs` before, again and again while `df` runs, and after. */
export interface BothSpaces {
  readonly df: DfSpace;
  readonly statfs: readonly [Space, ...Space[]];
}

/** Null where `df` cannot be asked: no second opinion is no disagreement. */
async function readBoth(dir: string, readers: SpaceReaders): Promise<BothSpaces | null> {
  const statfs: [Space, ...Space[]] = [await readers.statfs(dir)];
  let isRunning = true;
  const asked = readers
    .df(dir)
    .catch(() => null)
    .finally(() => {
      isRunning = false;
    });
  while (isRunning) {
    await setTimeout(Math.min(MOST_LOOK_MS, statfs.length)); // a program takes 20 ms; one that hangs is not to cost much
    statfs.push(await readers.statfs(dir));
  }
  const df = await asked;
  statfs.push(await readers.statfs(dir)); // the last one above may have begun before df had read
  return df && { df, statfs };
}

/**
 * Compares what `df` said with what `statfs` said meanwhile: they agree where df's figure is no further outside of the
 * least and the most than 1 MiB, so that whatever moved in between is allowed for. Both count what ordinary users can use,
 * without the blocks that a filesystem reserves for root. Null where they agree, else a sentence for people.
 */
export function compareSpace({ df, statfs }: BothSpaces): string | null {
  const totals = rangeOf(statfs.map(({ totalBytes }) => totalBytes));
  if (isOutside(df.totalBytes, totals)) {
    return `df and statfs disagree on the size of the disk: ${formatBytes(df.totalBytes)} and ${formatBytes(totals.most)}`;
  }
  const free = rangeOf(statfs.map(({ availableBytes }) => availableBytes));
  if (isOutside(df.availableBytes, free)) {
    const last = statfs.at(-1) ?? statfs[0];
    return (
      `df and statfs disagree on the free space: ${formatBytes(df.availableBytes)} and ` +
      `${formatBytes(last.availableBytes)}, of which ${formatBytes(free.most - free.least)} moved in between`
    );
  }
  return null;
}

interface Range {
  readonly least: number;
  readonly most: number;
}

function rangeOf(values: readonly number[]): Range {
  return { least: Math.min(...values), most: Math.max(...values) };
}

/** False for NaN: what was not said contradicts nothing. */
function isOutside(value: number, { least, most }: Range): boolean {
  return value < least - SLACK_BYTES || value > most + SLACK_BYTES;
}

async function readByDf(dir: string): Promise<DfSpace> {
  const { free, size } = await askDf(dir);
  return { availableBytes: free, totalBytes: size };
}

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readSpace } from '@spica/pool';

const STEP_BYTES = 2_000_000;

export interface ForeignWriterOptions {
  /** A directory on the disk, none of Spica's business. */
  readonly dir: string;
  /** A number from 0 to 1, of a seeded row. */
  readonly random: () => number;
  /** Bytes that it leaves free when it fills, asked anew before each step. */
  readonly leaves: () => Promise<number>;
  /** Whether it has done what it is there for: it goes on until then, at least. */
  readonly isDone: () => Promise<boolean>;
}

/** Somebody else on the disk, who fills it up and frees it again, at random, until asked to stop, and done. */
export async function runForeignWriter(
  options: ForeignWriterOptions,
  stop: AbortSignal,
): Promise<{ fills: number }> {
  const file = await open(join(options.dir, 'foreign'), 'w');
  let fills = 0;
  try {
    while (!(stop.aborted && (await options.isDone()))) {
      await fill(file, options);
      fills += 1;
      await setTimeout(500 + 1_500 * options.random());
      await file.truncate(0);
      await setTimeout(500 + 2_000 * options.random());
    }
    return { fills };
  } finally {
    await file.truncate(0);
    await file.close();
  }
}

async function fill(file: FileHandle, { dir, leaves }: ForeignWriterOptions): Promise<void> {
  const step = Buffer.alloc(STEP_BYTES, 'f');
  for (let at = 0; ; at += STEP_BYTES) {
    const { availableBytes } = await readSpace(dir);
    if (availableBytes - STEP_BYTES < (await leaves())) return;
    await file.write(step, 0, STEP_BYTES, at);
  }
}

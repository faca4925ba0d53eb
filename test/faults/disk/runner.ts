import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** What became of a runner's writes. */
export interface RunnerEnd {
  readonly written: number;
  /** What the filesystem said, where it took less than was wanted. */
  readonly refused: string | null;
}

/** Writes `bytes` into an instance, in pieces, as an experiment does that goes on for `ms` milliseconds. */
export async function growInstance(
  dir: string,
  { bytes, ms }: { bytes: number; ms: number },
): Promise<RunnerEnd> {
  const pieces = 6;
  const piece = Buffer.alloc(bytes / pieces, 'r');
  let written = 0;
  const file = await open(join(dir, 'result.bin'), 'w');
  try {
    for (let i = 0; i < pieces; i += 1) {
      await setTimeout(ms / pieces);
      await file.writeFile(piece);
      written += piece.length;
    }
    return { written, refused: null };
  } catch (error) {
    return { written, refused: String(error) };
  } finally {
    await file.close();
  }
}

import { mkdir } from 'node:fs/promises';
import { systemClock } from '@spica/core';
import { collectInstance } from '@spica/pool';

export interface CollectOptions {
  readonly patterns: readonly string[];
  /** Where they go: into a directory named after the instance. Made where it is not there. */
  readonly to: string;
  readonly mostBytes: number;
}

/** Collects what of an instance matches; resolves with how many files that were. Throws what `collectInstance` throws. */
export async function collectFiles(
  { id, path }: { readonly id: string; readonly path: string },
  { patterns, to, mostBytes, experiment }: CollectOptions & { readonly experiment: string | null },
): Promise<number> {
  await mkdir(to, { recursive: true });
  const { files } = await collectInstance({
    id,
    experiment,
    dir: path,
    patterns,
    to,
    parts: [id],
    as: 'directory',
    at: systemClock.now(),
    mostBytes,
    mostFrom: '--collect-max-gb',
    floor: { minFreeSpaceGb: 0, minFreeInodesPercent: 0 },
    own: null,
  });
  return files;
}

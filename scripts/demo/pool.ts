import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { floorOf, type PoolConfig, poolFloor, SpicaError, systemClock } from '@spica/core';
import { initImagePool, initPool, readSpace, unmountImage } from '@spica/pool';
import type { ServedContext } from '@spica/workers';
import { execa } from 'execa';
import { watchLowest } from './lowest.ts';

/** Sparse: of the disk it takes what is written into it. */
const IMAGE_BYTES = 8e9;

/** The demo's pool, as it was made. */
export interface DemoPool {
  readonly isInImage: boolean;
  /** Why it is in no image; null where it is in one. */
  readonly why: string | null;
  /** Unmounts its image; `spica up` mounts it again. */
  close(): Promise<void>;
}

/** Makes the pool in an image where this machine can have one, unless copies are asked for. */
export async function makePool({ name, root }: PoolConfig, { copy }: { copy: boolean }): Promise<DemoPool> {
  const place = { name, root, clock: systemClock };
  const onDisk = async (why: string) => {
    await initPool(place);
    return { isInImage: false, why, close: async () => undefined };
  };
  if (copy) return onDisk('--copy');
  try {
    await initImagePool({ ...place, spec: { sizeBytes: IMAGE_BYTES, file: null, allocate: false } });
    return { isInImage: true, why: null, close: () => unmountImage(place, place) };
  } catch (error) {
    if (error instanceof SpicaError) return onDisk(error.message);
    throw error;
  }
}

/** A filesystem that the pool fills, watched from now on. */
export interface WatchedFloor {
  readonly what: string;
  readonly floorBytes: number;
  readonly watch: ReturnType<typeof watchLowest>;
}

/** The pool's own filesystem, and the disk that its image lies on. */
export async function watchFloors({ root, disk }: PoolConfig, dir: string, isInImage: boolean) {
  const space = await readSpace(root);
  const own = poolFloor(disk, space, isInImage).bytes;
  const watched = [{ what: isInImage ? 'In the image' : 'Disk', floorBytes: own, watch: watchLowest(root) }];
  if (isInImage) {
    const { bytes } = floorOf(disk, null);
    watched.push({ what: 'On its disk', floorBytes: bytes, watch: watchLowest(dir) });
  }
  return watched satisfies WatchedFloor[];
}

/** How long a clone took, and a copy of the same on the disk beside it, in a sentence. */
export async function compareClones(ctx: ServedContext, dir: string): Promise<string> {
  const took: number[] = [];
  for await (const { record } of ctx.catalog.list()) {
    if (record.clonedAt !== null && record.spawnedAt !== null) took.push(record.clonedAt - record.spawnedAt);
  }
  const median = took.toSorted((a, b) => a - b)[Math.floor(took.length / 2)] ?? 0;
  const prepared = await ctx.templates.current('default');
  const clones = `clones by ${ctx.method}, ${median} ms each`;
  if (ctx.method === 'copy' || !prepared) return clones;
  const to = join(dir, 'copied');
  const started = performance.now();
  await execa('cp', ['-a', '--reflink=never', '--', prepared.path, to]);
  const copying = performance.now() - started;
  await rm(to, { recursive: true });
  return `${clones}; copying took ${copying.toFixed(0)} ms`;
}

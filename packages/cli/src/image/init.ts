import { absolutePathOf, LEAST_IMAGE_BYTES, type PoolConfig, systemClock, UsageError } from '@spica/core';
import { initImagePool, isInImage, type Pool } from '@spica/pool';
import { parseSize } from '../input/numbers.ts';
import type { Io } from '../io.ts';

export interface ImageFlags {
  readonly image?: string;
  readonly imageFile?: string;
  readonly allocate?: boolean;
}

/**
 * Makes the pool in an image where flags or config ask for one, or mounts the one that the root says it has. Null for a
 * pool that is in none. Throws what `initImagePool` throws, and UsageError FLAG_INVALID.
 */
export async function initInImage(io: Io, policy: PoolConfig, flags: ImageFlags): Promise<Pool | null> {
  const { name, root } = policy;
  const spec = specOf(io, policy, flags);
  if (!spec && !(await isInImage(root))) return null;
  return initImagePool({ name, root, clock: systemClock, spec });
}

function specOf({ cwd, home }: Io, { image }: PoolConfig, flags: ImageFlags) {
  if (flags.image === undefined && flags.imageFile === undefined && !image) {
    if (!flags.allocate) return null;
    throw new UsageError(
      'FLAG_INVALID',
      '--allocate: expected --image as well, as only an image takes its room',
    );
  }
  const file =
    flags.imageFile === undefined
      ? (image?.file ?? null)
      : absolutePathOf('--image-file', flags.imageFile, { base: cwd, home });
  return { file, sizeBytes: sizeOf(image, flags), allocate: flags.allocate ?? image?.allocate ?? false };
}

/** A file alone means the image that is in it. */
function sizeOf(image: PoolConfig['image'], flags: ImageFlags): number | null {
  if (flags.image !== undefined) return parseSize('--image', flags.image, { least: LEAST_IMAGE_BYTES });
  return flags.imageFile === undefined && image ? Math.round(image.sizeGb * 1e9) : null;
}

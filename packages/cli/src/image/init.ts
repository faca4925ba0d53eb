import { absolutePathOf, LEAST_IMAGE_BYTES, type PoolConfig, systemClock, UsageError } from '@spica/core';
import { initImagePool, initPool, isInImage, type Pool } from '@spica/pool';
import { parseSize } from '../input/numbers.ts';
import type { Io } from '../io.ts';
import { sayWhile } from '../output/waiting.ts';

export interface ImageFlags {
  readonly image?: string;
  readonly imageFile?: string;
  readonly allocate?: boolean;
}

/**
 * Makes the pool that a config describes: in an image where flags or config ask for one, or in the one that the root says it
 * has, which is mounted. With `rename` a pool that is there is called so from now on. Throws what `initImagePool` and
 * `initPool` throw, and UsageError FLAG_INVALID.
 */
export async function makePool(
  io: Io,
  policy: PoolConfig,
  { rename = false, ...flags }: ImageFlags & { readonly rename?: boolean },
): Promise<{ readonly pool: Pool; readonly isInImage: boolean }> {
  const { name, root } = policy;
  const place = { name, root, clock: systemClock, rename };
  const spec = specOf(io, policy, flags);
  return spec || (await isInImage(root))
    ? {
        pool: await sayWhile(io, 'making the image', () => initImagePool({ ...place, spec })),
        isInImage: true,
      }
    : { pool: await initPool(place), isInImage: false };
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

import { CheckError, type Config } from '@spica/core';
import { ensureMounted } from '@spica/pool';
import type { createLogger } from '@spica/workers';

/**
 * Mounts the images of a config's pools that are not mounted. Throws what `ensureMounted` throws, and CheckError
 * IMAGE_MISSING for a pool that is to be in an image and is in none.
 */
export async function mountImages(
  { pools }: Config,
  logger: Pick<ReturnType<typeof createLogger>, 'info'>,
): Promise<void> {
  for (const { name, root, image } of Object.values(pools)) {
    const outcome = await ensureMounted({ name, root });
    if (outcome === 'mounted') logger.info({ pool: name, root }, "the pool's image is mounted");
    if (outcome !== 'none' || !image) continue;
    throw new CheckError(
      'IMAGE_MISSING',
      `pool ${name}: image: the config asks for one, but none was made for ${root}: run \`spica init\``,
      { root },
    );
  }
}

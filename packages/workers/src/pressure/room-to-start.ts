import { ballastOf, byteLevels, type Config, poolFloor, toKnownError } from '@spica/core';
import { isInImage, openPool, readSpace } from '@spica/pool';
import type { Logger } from 'pino';
import { createBallast } from './ballast.ts';

/**
 * Gives up the ballast of every pool whose disk is critically full, before anything is started: neither Redis, nor the
 * audit log, nor the pool's lock could be written there. A pool that cannot be opened is passed over; whoever serves it
 * tells why.
 */
export async function makeRoomToStart(config: Config, logger: Logger): Promise<void> {
  for (const { name, root, disk } of Object.values(config.pools)) {
    try {
      const pool = await openPool({ name, root });
      const space = await readSpace(pool.paths.root);
      const floor = poolFloor(disk, space, await isInImage(root));
      const { free, critical } = byteLevels(disk, space.availableBytes, floor.bytes);
      if (free >= critical || !(await createBallast(pool, ballastOf(disk, space.totalBytes)).giveUp()))
        continue;
      logger.warn({ pool: name, freeBytes: free }, 'the disk is critically full: the ballast is given up');
    } catch (error) {
      if (!toKnownError(error)) throw error;
      logger.debug({ err: error, pool: name }, 'no room could be made before the start');
    }
  }
}

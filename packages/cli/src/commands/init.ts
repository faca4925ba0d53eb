import { createCatalog } from '@spica/catalog';
import { CheckError, type Config } from '@spica/core';
import { type PoolPlace, probeCloneMethod, reportImage } from '@spica/pool';
import { checkRebind, createLogger, type EmbeddedRedis, startEmbeddedRedis } from '@spica/workers';
import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import { withRedis } from '../context/redis.ts';
import { type ImageFlags, makePool } from '../image/init.ts';
import type { Invocation } from '../io.ts';
import { describeImage } from '../output/image.ts';
import { sayMethod } from '../output/method.ts';
import { writeFields, writeJson } from '../output/write.ts';

export interface InitOptions extends ImageFlags {
  readonly rebind?: boolean;
}

/**
 * `spica init`: creates the pool's root and marker, in an image where one is asked for. Safe to run again. With `--rebind`
 * the name is this root's from now on, whatever the marker, and Redis, say; not while a pool of that name is served.
 */
export async function init({ io, options }: Invocation<InitOptions>): Promise<number> {
  const { config } = await loadConfig(io, options, {}, { namesNewPool: true });
  const policy = choosePool(config, options.pool);
  const { name, root } = policy;
  const place = { name, root };
  const make = () => makePool(io, policy, { ...options, rename: options.rebind ?? false });
  const { pool, isInImage } = await (options.rebind ? rebind(config, place, make) : make());
  const image = isInImage ? await reportImage(place) : null;
  const method = await probeCloneMethod(pool);
  if (options.json)
    writeJson(io.stdout, { pool: name, id: pool.id, root: pool.paths.root, cloneMethod: method, image });
  else {
    writeFields(io.stdout, [
      ['pool', name],
      ['root', pool.paths.root],
      ['id', pool.id],
      ['image', image && describeImage(image)],
      ['clones by', sayMethod(method)],
    ]);
  }
  return 0;
}

/** The next worker that serves the pool tells the catalog its new id. */
async function rebind<T>(config: Config, place: PoolPlace, make: () => Promise<T>): Promise<T> {
  const own = await startOwnRedis(config);
  try {
    return await withRedis(config, async (redis) => {
      const catalog = createCatalog({ redis, pool: place.name });
      await checkRebind(place, catalog);
      const made = await make();
      await catalog.forgetIdentity();
      return made;
    });
  } finally {
    await own?.stop();
  }
}

/** `spica up` does not serve the pool until it is bound anew, and without it there is no embedded Redis. */
async function startOwnRedis({ redis, stateDir }: Config): Promise<EmbeddedRedis | null> {
  if (redis.url !== null) return null;
  const logger = createLogger({ level: 'silent', pretty: false });
  try {
    return await startEmbeddedRedis({ stateDir, logger });
  } catch (error) {
    if (error instanceof CheckError && error.code === 'REDIS_IN_USE') return null; // that of a running `spica up`
    throw error;
  }
}

import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectWorker } from '@spica/queues';
import { type EmbeddedRedis, startEmbeddedRedis } from '@spica/workers';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import { admitRequest, finishRequest, newRequest } from './requests.ts';
import { World } from './world.ts';

interface Options {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly redisOnHost?: boolean;
}

/** Where worlds are made: by default in memory. */
interface Place {
  /** A directory on a btrfs with simple quotas, once the tests run. */
  readonly inImage: () => string;
  readonly capBytes: number;
}

/** Gives the tests of a file worlds, one at a time, on one Redis of their own. */
export function useWorlds(
  image: Place | null = null,
): <T>(options: Options, work: (world: World) => Promise<T>) => Promise<T> {
  let dir: string;
  let server: EmbeddedRedis;
  let redis: Redis;

  beforeAll(async () => {
    dir = await mkdtemp(join(await fastest(), 'spica-model-'));
    server = await startEmbeddedRedis({ stateDir: dir, logger: pino({ level: 'silent' }) });
    redis = connectWorker(server.target);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
    await rm(dir, { recursive: true });
  });

  return async ({ settings, redisOnHost = false }, work) => {
    await redis.flushdb();
    const place = await mkdtemp(join(image ? image.inImage() : dir, 'world-'));
    const capBytes = image?.capBytes ?? null;
    const world = await World.open({ redis, dir: place, capBytes, redisOnHost, settings });
    try {
      return await work(world);
    } finally {
      await world.stop();
      await rm(place, { recursive: true });
    }
  };
}

/** A filesystem in memory, where there is one: what is synced to a disk there would be most of the time. */
function fastest(): Promise<string> {
  return access('/dev/shm').then(
    () => '/dev/shm',
    () => tmpdir(),
  );
}

/** Has a request for so many instances come to its end, and returns their ids, in order. */
export async function spawned(world: World, count: number, leaseMs: number | null = null): Promise<string[]> {
  const request = newRequest(world, count, leaseMs);
  admitRequest(world, request);
  await finishRequest(world, request);
  return [...request.ids];
}

import { randomUUID } from 'node:crypto';
import type { Catalog, Server } from '@spica/catalog';
import { CheckError, type Clock, type CloneMethod } from '@spica/core';
import { checkMarker, describeHolder, identifySelf, type Pool, type PoolLock, poolServed } from '@spica/pool';
import type { Logger } from 'pino';
import { isDeadHere, poolForeign } from '../identity.ts';

/** Redis forgets a server that has not said for three times as long that it is there. */
const EVERY_MS = 5_000;

/** The right to serve a pool, towards Redis as well as on the disk. */
export interface Serving {
  /** Rejects once another process has it, or the name is another pool's: this one must stop. */
  readonly lost: Promise<never>;
  /** Gives it back to others. */
  close(): Promise<void>;
}

interface ServingOptions {
  readonly pool: Pool;
  readonly method: CloneMethod;
  readonly lock: PoolLock;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Takes the right to serve a pool in Redis, where it is the only one under its name, and looks from time to time whether
 * it still has that, and the claim on the disk. Throws CheckError POOL_FOREIGN where Redis knows another pool by this name,
 * POOL_SERVED where another process serves it.
 */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { catalog, clock, lock, logger } = options;
  const since = new Date(clock.now()).toISOString();
  const self: Server = { token: randomUUID(), ...(await identifySelf()), purpose: 'spica up', since };
  await take(options, self);
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // whoever runs the workers awaits it
  let isClosed = false;
  const look = async () => {
    if (isClosed) return;
    try {
      await keep(options, self);
      if (isClosed) return; // Redis was away, and the claim is released
      await checkMarker(options.pool); // else another disk is there, which is not ours to write to
      await lock.renew();
    } catch (error) {
      if (!isLoss(error))
        return logger.debug({ err: error }, 'the right to serve the pool could not be looked at');
      logger.error({ err: error }, 'this process does not serve the pool any more');
      lost.reject(error);
    }
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, EVERY_MS).unref();
  return {
    lost: lost.promise,
    async close() {
      isClosed = true;
      clearInterval(timer);
      await catalog.endServing(self);
    },
  };
}

function isLoss(error: unknown): boolean {
  return error instanceof CheckError && ['POOL_FOREIGN', 'POOL_SERVED'].includes(error.code);
}

/** Takes it at a start, maybe in the place of a server that is there no more. */
async function take(options: ServingOptions, self: Server): Promise<void> {
  const { catalog } = options;
  const refusal = await catalog.serve(whatIsServed(options), self);
  const other = refusal?.server;
  if (!other || !(await isOver(other, self))) return refuse(options, refusal);
  const instead = other.token;
  const again = await catalog.serve(whatIsServed(options), self, { instead });
  const isStill = again?.server?.token === instead;
  refuse(options, again && isStill ? { ...again, server: null } : again);
}

async function keep(options: ServingOptions, self: Server): Promise<void> {
  refuse(options, await options.catalog.serve(whatIsServed(options), self));
}

function whatIsServed({ pool, method }: ServingOptions) {
  return { id: pool.id, method, root: pool.paths.root };
}

function refuse({ pool }: ServingOptions, refusal: Awaited<ReturnType<Catalog['serve']>>): void {
  if (refusal === null) return;
  const { known, server } = refusal;
  if (known && known.id !== pool.id) {
    throw poolForeign({ name: pool.name, root: pool.paths.root }, pool, { known, server });
  }
  throw poolServed(pool.name, server ? describeHolder(server) : 'another process');
}

/**
 * Whether a server that Redis names is not there any more: it was killed, or ran in this very process. Of one in another
 * container of this kernel nobody can say; there the lock on the disk, which is had by now, decides.
 */
async function isOver(server: Server, self: Server): Promise<boolean> {
  if (server.host !== self.host) return server.boot === self.boot;
  const isSelf = server.pid === self.pid && server.startTicks === self.startTicks;
  return isSelf || isDeadHere(server);
}

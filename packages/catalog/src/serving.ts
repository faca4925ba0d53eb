import type { Redis } from 'ioredis';
import type * as z from 'zod';
import type { Keys } from './keys.ts';
import type { Run } from './ops.ts';
import { type Identity, readJson, serverSchema } from './stored.ts';

/** A server that has not said so for this long does not serve the pool any more. */
const KEEP_MS = 15_000;

/** The process that serves a pool, told apart from every other by its token. */
export type Server = z.infer<typeof serverSchema>;

/** Which process serves the pool. A lock on the disk says so too, but not to other hosts, nor of other disks. */
export interface Serving {
  /** Null where nobody does. */
  server(): Promise<Server | null>;
  /**
   * Takes the right to serve the pool for 15 s, or keeps it; the catalog then knows the pool as `served` has it. Null when
   * it was had; else why not: the pool that the catalog knows by this name, and the server that has it.
   *
   * @param options.instead Token of a server that is known to be dead, whose place may be taken.
   */
  serve(
    served: Identity & { readonly root: string },
    server: Server,
    options?: { readonly instead?: string },
  ): Promise<{ readonly known: Identity | null; readonly server: Server | null } | null>;
  /** Gives it back, unless another has it by now. */
  endServing(server: Server): Promise<void>;
}

export function createServing(
  redis: Redis,
  { keys, run, identity }: { keys: Keys; run: Run; identity: () => Promise<Identity | null> },
): Serving {
  const server = async () => {
    const stored = await redis.get(keys.server);
    return stored === null ? null : readJson(serverSchema, keys.server, stored);
  };
  return {
    server,
    async serve({ id, method, root }, self, { instead = '' } = {}) {
      const args = [id, method, root, JSON.stringify(self), self.token, KEEP_MS, instead];
      if ((await run('serve', args)) === 'serving') return null;
      const [known, other] = await Promise.all([identity(), server()]);
      return { known, server: other };
    },
    async endServing({ token }) {
      await run('end_serving', [token]);
    },
  };
}

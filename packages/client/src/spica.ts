import { EventEmitter } from 'node:events';
import { hashLeaseToken, newLeaseToken } from '@spica/catalog';
import { systemClock, UsageError } from '@spica/core';
import { parsePayload, type RedisTarget, type SpawnRequest, submitRequest } from '@spica/queues';
import { type Connection, openConnection, targetFromEnvironment } from './connection.ts';
import type { LeaseLostError } from './errors.ts';
import { Instances } from './instances.ts';
import { defaultOwner, type ReadSpawnOptions, type SpawnOptions, spawnOptionsSchema } from './options.ts';
import { SpawnRequestHandle, type Submitted } from './request.ts';

export interface ConnectOptions {
  /** `redis://…`; by default `REDIS_URL`, else the Redis that `spica up` runs on this machine for this user. */
  readonly redisUrl?: string;
  /** The unix socket of a Redis, in place of a URL. */
  readonly socket?: string;
  /** Name of the pool; by default the only one that is served there. */
  readonly pool?: string;
}

interface SpicaEvents {
  /** A lease of this client's was lost; the signal of its instance is aborted with the same error. */
  'lease-lost': [error: LeaseLostError];
  /** A request whose signal was aborted could not be cancelled, as Redis is out of reach: it goes on. */
  'cancel-failed': [error: unknown, request: string];
}

/**
 * What an experiment runner uses: `await using spica = await Spica.connect()`, then `spawn`. Over Redis: a runner needs to
 * reach the queue, and no disk.
 */
export class Spica extends EventEmitter<SpicaEvents> implements AsyncDisposable {
  readonly instances: Instances;
  readonly #connection: Connection;
  readonly #onLost = (error: LeaseLostError) => void this.emit('lease-lost', error);

  private constructor(connection: Connection) {
    super();
    this.#connection = connection;
    this.instances = new Instances(connection, this.#onLost);
  }

  /** Throws UnreachableError where Redis cannot be reached, or refuses; UsageError POOL_AMBIGUOUS without a pool. */
  static async connect({ redisUrl, socket, pool }: ConnectOptions = {}): Promise<Spica> {
    return new Spica(await openConnection(targetOf(redisUrl, socket), pool ?? null));
  }

  /**
   * Submits a request, and resolves as soon as Redis has it. Throws UsageError, which names the field, the value and what
   * was expected: PAYLOAD_INVALID, PARAM_INVALID, REQUEST_TOO_LARGE, KEY_REUSED (the key named a different request).
   *
   * @param signal Cancels the request when it is aborted, at any time before it has completed.
   */
  async spawn(options: SpawnOptions, { signal }: { signal?: AbortSignal } = {}): Promise<SpawnRequestHandle> {
    signal?.throwIfAborted();
    const asked = parsePayload(spawnOptionsSchema, options, 'spawn') as ReadSpawnOptions;
    const lease = leaseOf(asked);
    const request = toRequest(this.#connection.pool, asked, lease);
    const id = await submitRequest(this.#connection.queues, request, { key: asked.key, clock: systemClock });
    const handle = new SpawnRequestHandle(this.#connection, { id, count: asked.count, lease }, this.#onLost);
    const cancel = () => {
      handle.cancel().catch((error: unknown) => this.emit('cancel-failed', error, id));
    };
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
    return handle;
  }

  /** Ends the connection. Leases that are held are not renewed any more, and not released either. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function targetOf(redisUrl: string | undefined, socket: string | undefined): RedisTarget {
  if (redisUrl !== undefined) return { url: redisUrl };
  return socket === undefined ? targetFromEnvironment(process.env) : { socket };
}

function leaseOf({ lease: ms, leaseToken, key }: ReadSpawnOptions): Submitted['lease'] {
  if (ms === null) {
    if (leaseToken === null) return null;
    throw new UsageError('PAYLOAD_INVALID', 'spawn: lease: expected with a leaseToken, none was given');
  }
  if (key !== null && leaseToken === null) {
    const why = 'a request that is submitted again must bring the same';
    throw new UsageError(
      'PAYLOAD_INVALID',
      `spawn: leaseToken: expected with key and lease, none was given: ${why}`,
    );
  }
  return { owner: defaultOwner(), token: leaseToken ?? newLeaseToken(), ms };
}

function toRequest(pool: string, asked: ReadSpawnOptions, lease: Submitted['lease']): SpawnRequest {
  const { lease: _, leaseToken: __, key: ___, ttl: ttlMs, maxWait: maxWaitMs, ...rest } = asked;
  return {
    ...rest,
    pool,
    from: null,
    by: defaultOwner(),
    ttlMs,
    maxWaitMs,
    lease: lease && { owner: lease.owner, ms: lease.ms, tokenHash: hashLeaseToken(lease.token) },
  };
}

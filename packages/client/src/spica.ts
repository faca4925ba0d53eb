import { EventEmitter } from 'node:events';
import { hashLeaseToken, newLeaseToken } from '@spica/catalog';
import { UsageError } from '@spica/core';
import { hostUser, type Preview, type PrunePlan, type PruneResult, parsePayload } from '@spica/queues';
import { AuditLog } from './audit.ts';
import { type ConnectOptions, connect } from './connect.ts';
import type { LeaseLostError } from './errors.ts';
import { HeldLeases } from './held-leases.ts';
import { Instances } from './instances.ts';
import {
  type CallOptions,
  type PlanOptions,
  type PreflightOptions,
  planOptionsSchema,
  preflightOptionsSchema,
  type ReadSpawnOptions,
  readCall,
  type SpawnOptions,
  spawnOptionsSchema,
} from './options.ts';
import { SpawnRequestHandle, type Submitted } from './request.ts';
import { leaseTokenOf } from './token.ts';
import { type Beginning, beginTournament } from './tournament/begin.ts';
import type { TournamentOptions } from './tournament/options.ts';
import type { Tournament } from './tournament/tournament.ts';
import { Tournaments } from './tournament/tournaments.ts';
import type { Transport } from './transport.ts';
import type { OversizeView, PoolView } from './view.ts';

interface SpicaEvents {
  /** A lease of this client's was lost; the signal of its instance is aborted with the same error. */
  'lease-lost': [error: LeaseLostError];
  /**
   * An instance that is leased through this client has come to its cap, so that the kernel refuses what it writes, or is
   * larger than `max_instance_gb`: once for each time that it does. Followed from the first listener on, until `close`.
   */
  oversize: [instance: OversizeView];
  /** Which instances are oversize could not be followed any more. */
  'oversize-failed': [error: unknown];
  /** A request whose signal was aborted could not be cancelled, as its pool is out of reach: it goes on. */
  'cancel-failed': [error: unknown, request: string];
}

/**
 * What an experiment runner uses: `await using spica = await Spica.connect()`, then `spawn`. A runner needs to reach the
 * pool's queue, and no disk.
 */
export class Spica extends EventEmitter<SpicaEvents> implements AsyncDisposable {
  /** Name of the pool. */
  readonly pool: string;
  readonly instances: Instances;
  readonly audit: AuditLog;
  readonly tournaments: Tournaments;
  readonly #transport: Transport;
  /** Requests that are being taken back, as their signal was aborted. */
  readonly #takingBack = new Set<Promise<void>>();
  readonly #leases: HeldLeases;

  private constructor(transport: Transport) {
    super();
    this.#transport = transport;
    this.pool = transport.pool;
    this.#leases = new HeldLeases(transport, {
      onLost: (error) => void this.emit('lease-lost', error),
      onOversize: (instance) => void this.emit('oversize', instance),
      onFailed: (error) => void this.emit('oversize-failed', error),
    });
    (this as EventEmitter).on('newListener', (event) => {
      if (event === 'oversize') this.#leases.follow();
    });
    this.instances = new Instances(transport, this.#leases);
    this.audit = new AuditLog(transport);
    this.tournaments = new Tournaments(transport);
  }

  /** Throws UnreachableError where the pool cannot be reached, or refuses; UsageError POOL_AMBIGUOUS without a pool. */
  static async connect(options: ConnectOptions = {}): Promise<Spica> {
    return new Spica(await connect(options));
  }

  /**
   * A client of a pool that is reached otherwise; closing the client closes that.
   *
   * @internal
   */
  static over(transport: Transport): Spica {
    return new Spica(transport);
  }

  /**
   * Submits a request, and resolves as soon as it is on its way. Throws UsageError, which names the field, the value and
   * what was expected: PAYLOAD_INVALID, PARAM_INVALID, REQUEST_TOO_LARGE, KEY_REUSED (the key named a different request).
   *
   * @param signal Cancels the request when it is aborted, at any time before it has completed.
   */
  async spawn(options: SpawnOptions, { signal }: { signal?: AbortSignal } = {}): Promise<SpawnRequestHandle> {
    signal?.throwIfAborted();
    const asked = parsePayload(spawnOptionsSchema, options, 'spawn') as ReadSpawnOptions;
    const { key, leaseToken: _, ...body } = asked;
    const lease = await leaseOf(this.pool, asked);
    const submitted = {
      ...body,
      leaseOwner: lease?.owner ?? null,
      leaseTokenHash: lease && hashLeaseToken(lease.token),
    };
    const now = Date.now();
    const { id } = await this.#transport.submit(submitted, { key, by: hostUser() });
    const heldUntil = body.maxWait === null ? null : now + body.maxWait;
    const onAbort = () => this.#takeBack(handle, key === null ? lease : null);
    const handle = new SpawnRequestHandle(
      this.#transport,
      { id, lease, heldUntil },
      {
        holder: this.#leases,
        onEnd: () => signal?.removeEventListener('abort', onAbort),
      },
    );
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    return handle;
  }

  /**
   * Begins a tournament: spawns its candidates, all or none, each with its parameters and a lease, and verifies their
   * lineage. Resolves once they are there. Throws as `spawn` and `SpawnRequestHandle.ready` do, UsageError
   * TOURNAMENT_INVALID, and LineageChangedError, which names the instance; then nothing of it is left.
   *
   * @param signal Cancels it when it is aborted before it has begun.
   */
  tournament(options: TournamentOptions, call: { signal?: AbortSignal } = {}): Promise<Tournament> {
    const spawn: Beginning['spawn'] = (asked, rest) => this.spawn(asked, rest);
    return beginTournament({ transport: this.#transport, spawn }, options, call);
  }

  /**
   * Cancels a request. Where it has completed and nobody has got its batch, nobody would release its leases: they are
   * released here. `lease` null where there are none, or others may hold them.
   */
  #takeBack(handle: SpawnRequestHandle, lease: Submitted['lease']): void {
    const work = async () => {
      if ((await handle.cancel()) === 'cancelled' || lease === null) return;
      const { instances } = await handle.view();
      const asked = { token: lease.token, discard: true, by: lease.owner };
      await Promise.all(instances.map((each) => this.#transport.releaseLease(each.id, asked)));
    };
    const done = work()
      .catch((error: unknown) => void this.emit('cancel-failed', error, handle.id))
      .finally(() => this.#takingBack.delete(done));
    this.#takingBack.add(done);
  }

  /** What the gate would do with such a request as things stand: the decision with its sum and its sentence. */
  async preflight(options: PreflightOptions, call: CallOptions = {}): Promise<Preview> {
    const asked = parsePayload(preflightOptionsSchema, options, 'preflight');
    return this.#transport.preflight(asked, readCall('preflight', call));
  }

  /** What a prune would do now. Touches nothing; its digest names exactly this plan for an hour. */
  async plan(options: PlanOptions = {}, call: CallOptions = {}): Promise<PrunePlan> {
    return this.#transport.plan(parsePayload(planOptionsSchema, options, 'plan'), readCall('plan', call));
  }

  /** Carries out exactly a plan, but for what is protected by now. Throws UsageError PLAN_UNKNOWN, PLAN_TOO_OLD. */
  async execute(digest: string, call: CallOptions = {}): Promise<PruneResult> {
    return this.#transport.execute(digest, { by: hostUser(), ...readCall('execute', call) });
  }

  /** How the pool stands: what is reserved, who is held, the pressure on its disk. */
  status(): Promise<PoolView> {
    return this.#transport.poolStatus();
  }

  /**
   * Ends the connection, once what was aborted is cancelled. Leases that are held are not renewed any more, and not released
   * either.
   */
  async close(): Promise<void> {
    await Promise.all([...this.#takingBack, this.#leases.close()]);
    await this.#transport.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function leaseOf(
  pool: string,
  { lease: ms, leaseToken, key }: ReadSpawnOptions,
): Promise<Submitted['lease']> {
  if (ms === null) {
    if (leaseToken === null) return null;
    throw new UsageError('PAYLOAD_INVALID', 'spawn: lease: expected with a leaseToken, none was given');
  }
  return { owner: hostUser(), token: leaseToken ?? (await newTokenOf(pool, key)), ms };
}

async function newTokenOf(pool: string, key: string | null): Promise<string> {
  if (key === null) return newLeaseToken();
  try {
    return await leaseTokenOf(pool, key, process.env);
  } catch (error) {
    const why = `a request that is submitted again must bring the same, and none can be kept here (${(error as Error).message})`;
    const message = `spawn: leaseToken: expected with key and lease, none was given: ${why}`;
    throw new UsageError('PAYLOAD_INVALID', message, { field: 'leaseToken' }, error);
  }
}

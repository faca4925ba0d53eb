import { newLeaseToken } from '@spica/catalog';
import { UsageError } from '@spica/core';
import { type GrowResult, hostUser, type LineageVerdict, parsePayload } from '@spica/queues';
import { HeldLease, type LeaseHolder } from './held-lease.ts';
import {
  type CallOptions,
  type GrowOptions,
  type LeaseOptions,
  type ListOptions,
  leaseOptionsSchema,
  listOptionsSchema,
  readCall,
} from './options.ts';
import type { Transport } from './transport.ts';
import type { CollectView, InstanceView, OversizeView, SampleView } from './view.ts';
import { growBodySchema } from './wire/bodies.ts';
import { MOST_LISTED } from './wire/queries.ts';

/**
 * The instances of a pool, whoever spawned them. What is not there (any more) throws InstanceGoneError, with the audit
 * record of its end in `details.audit` where that is known.
 */
export class Instances {
  readonly #transport: Transport;
  readonly #holder: LeaseHolder;

  /** @internal */
  constructor(transport: Transport, holder: LeaseHolder) {
    this.#transport = transport;
    this.#holder = holder;
  }

  /** Reading prolongs nothing. */
  get(id: string): Promise<InstanceView> {
    return this.#transport.instance(id);
  }

  /** Those that are asked for, in parts as they are gone through: what comes up or goes meanwhile may be missing. */
  async *list(options: ListOptions = {}): AsyncGenerator<InstanceView, void> {
    const query = parsePayload(listOptionsSchema, options, 'list');
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { items, next } = await this.#transport.instances({
        ...query,
        limit: MOST_LISTED,
        ...(cursor === undefined ? {} : { cursor }),
      });
      yield* items;
      cursor = next;
    }
  }

  /** Those, of the pool or of a request, that are at their cap, or larger than `max_instance_gb`. */
  oversize({ request = null }: { request?: string | null } = {}): Promise<readonly OversizeView[]> {
    return this.#transport.oversize({ request });
  }

  /**
   * Takes a lease on an instance, or renews it for whoever has its token, and keeps it until it is released. Throws
   * CheckError INSTANCE_LEASED when somebody else has it; LeaseLostError LEASE_REFUSED for one that is too large.
   */
  async lease(id: string, options: LeaseOptions): Promise<HeldLease> {
    const { lease: ms, token: given, force } = parsePayload(leaseOptionsSchema, options, 'lease');
    if (ms < 1) throw new UsageError('PAYLOAD_INVALID', `lease: lease: expected at least 1 ms, got ${ms}`);
    const [token, now] = [given ?? newLeaseToken(), Date.now()];
    const { owner } = await this.#transport.lease(id, { owner: hostUser(), token, ms, force });
    const granted = { instance: id, owner, token, ms, expiresAt: now + ms };
    return new HeldLease(this.#transport, granted, this.#holder);
  }

  /** Says how good an instance is; null takes that back. */
  score(id: string, value: number | null): Promise<void> {
    return this.#transport.score(id, value);
  }

  /** Keeps an instance until it is unpinned, whatever retention says. */
  pin(id: string, why: string): Promise<void> {
    return this.#transport.pin(id, { by: hostUser(), why });
  }

  unpin(id: string): Promise<void> {
    return this.#transport.unpin(id, { by: hostUser() });
  }

  /**
   * Raises the cap of an instance to so many bytes, once there is room. Throws RefusedError GROW_REFUSED with the sum where
   * there is none within `maxWait`, or never.
   */
  async grow(id: string, capBytes: number, options: GrowOptions = {}): Promise<GrowResult> {
    const { maxWait, ...call } = options;
    const body = parsePayload(growBodySchema, { capBytes, maxWait }, 'grow');
    const asked = { capBytes: body.capBytes, maxWaitMs: body.maxWait };
    return this.#transport.grow(id, { ...asked, by: hostUser(), ...readCall('grow', call) });
  }

  /** Brings an instance back from the trash, whole. Throws CheckError NOT_IN_TRASH. */
  restore(id: string, options: CallOptions = {}): Promise<void> {
    return this.#transport.restore(id, { by: hostUser(), ...readCall('restore', options) });
  }

  /**
   * Has the results of these instances collected now, leased or not: what matches `patterns` from now on (none: nothing any
   * more), by default what each has.
   */
  collect(
    ids: readonly string[],
    { patterns, ...call }: CallOptions & { patterns?: readonly string[] } = {},
  ): Promise<CollectView> {
    const asked = { patterns: patterns ?? null, by: hostUser() };
    return this.#transport.collect(ids, { ...asked, ...readCall('collect', call) });
  }

  /** Compares an instance's lineage with its manifest. */
  verify(id: string, options: CallOptions = {}): Promise<LineageVerdict> {
    return this.#transport.verify(id, readCall('verify', options));
  }

  /** Has these instances measured, or those that are due. */
  sample(ids: readonly string[] | null = null, options: CallOptions = {}): Promise<SampleView> {
    return this.#transport.sample(ids, readCall('sample', options));
  }
}

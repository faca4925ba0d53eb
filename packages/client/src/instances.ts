import { type CatalogInstance, newLeaseToken, toInstanceView } from '@spica/catalog';
import { ownBytes, UsageError } from '@spica/core';
import { parsePayload } from '@spica/queues';
import type { Connection } from './connection.ts';
import { instanceDeleting, instanceUnknown, type LeaseLostError, leasedBy, leaseLost } from './errors.ts';
import { HeldLease } from './held-lease.ts';
import { mark } from './instance.ts';
import {
  defaultOwner,
  type LeaseOptions,
  type ListOptions,
  leaseOptionsSchema,
  listOptionsSchema,
} from './options.ts';
import type { InstanceView } from './view.ts';

/** The instances of a pool, whoever spawned them. */
export class Instances {
  readonly #connection: Connection;
  readonly #onLost: (error: LeaseLostError) => void;

  /** @internal */
  constructor(connection: Connection, onLost: (error: LeaseLostError) => void) {
    this.#connection = connection;
    this.#onLost = onLost;
  }

  /** Throws InstanceGoneError INSTANCE_UNKNOWN. */
  async get(id: string): Promise<InstanceView> {
    const instance = await this.#connection.catalog.get(id);
    if (!instance) throw instanceUnknown(id, this.#connection.pool);
    return toInstanceView(instance, Date.now(), null);
  }

  /** In the order of when they were spawned they are read as they are asked for; in any other, all are read first. */
  async *list(options: ListOptions = {}): AsyncGenerator<InstanceView, void> {
    const { sort, ...filter } = parsePayload(listOptionsSchema, options, 'list');
    const labels = Object.entries(filter.labels);
    const isAsked = ({ record, state }: CatalogInstance) =>
      (filter.experiment === undefined || record.experiment === filter.experiment) &&
      (filter.template === undefined || record.template === filter.template) &&
      (filter.state === undefined || state === filter.state) &&
      labels.every(([name, value]) => record.labels[name] === value);
    const found: CatalogInstance[] = [];
    for await (const instance of this.#connection.catalog.list()) {
      if (!isAsked(instance)) continue;
      if (sort === 'spawned') yield toInstanceView(instance, Date.now(), null);
      else found.push(instance);
    }
    const by = sort === 'score' ? scoreOf : sizeOf;
    for (const each of found.sort((a, b) => by(b) - by(a))) yield toInstanceView(each, Date.now(), null);
  }

  /**
   * Takes a lease on an instance, or renews it for whoever has its token, and keeps it until it is released. Throws
   * InstanceGoneError; CheckError INSTANCE_LEASED when somebody else has it; LeaseLostError LEASE_REFUSED.
   */
  async lease(id: string, options: LeaseOptions): Promise<HeldLease> {
    const { lease: ms, token: given } = parsePayload(leaseOptionsSchema, options, 'lease');
    if (ms < 1) throw new UsageError('PAYLOAD_INVALID', `lease: lease: expected at least 1 ms, got ${ms}`);
    const { catalog, pool } = this.#connection;
    const [token, owner, now] = [given ?? newLeaseToken(), defaultOwner(), Date.now()];
    const expiresAt = now + ms;
    const answer = await catalog.lease(id, { owner, token, expiresAt, now });
    switch (answer.outcome) {
      case 'absent':
        throw instanceUnknown(id, pool);
      case 'deleting':
        throw instanceDeleting(id);
      case 'leased':
        throw leasedBy(id, answer);
      case 'oversize':
        throw leaseLost(
          'LEASE_REFUSED',
          id,
          'it is refused, since the instance is larger than max_instance_gb',
        );
      default:
        return new HeldLease(catalog, { instance: id, owner, token, ms, expiresAt }, this.#onLost);
    }
  }

  /** Says how good an instance is; null takes that back. Throws InstanceGoneError. */
  score(id: string, value: number | null): Promise<void> {
    return mark(this.#connection, id, { score: value });
  }

  /** Keeps an instance until it is unpinned, whatever retention says. Throws InstanceGoneError. */
  pin(id: string, why: string): Promise<void> {
    return mark(this.#connection, id, { pin: { by: defaultOwner(), why, at: Date.now() } });
  }

  /** Throws InstanceGoneError. */
  unpin(id: string): Promise<void> {
    return mark(this.#connection, id, { pin: null });
  }
}

function scoreOf({ record }: CatalogInstance): number {
  return record.score ?? Number.NEGATIVE_INFINITY;
}

function sizeOf({ record }: CatalogInstance): number {
  return ownBytes(record) ?? 0;
}

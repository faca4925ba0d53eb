import { type GrantedLease, HeldLease, type LeaseHolder } from './held-lease.ts';
import { Instance } from './instance.ts';
import type { Transport } from './transport.ts';
import type { SpawnedInstance } from './view.ts';
import { MOST_NAMED } from './wire/queries.ts';

/**
 * The instances of a request that has completed. Their leases renew themselves for as long as the batch is held; disposing
 * of it (`await using`) releases them, as of no use any more. It deletes nothing: retention does.
 */
export class Batch implements AsyncDisposable {
  readonly instances: readonly Instance[];

  private constructor(instances: readonly Instance[]) {
    this.instances = instances;
  }

  /**
   * @internal
   * @param lease What the instances came up with; null for no lease.
   */
  static async of(
    transport: Transport,
    instances: readonly SpawnedInstance[],
    lease: Pick<GrantedLease, 'owner' | 'token' | 'ms'> | null,
    holder: LeaseHolder,
  ): Promise<Batch> {
    if (lease === null) return new Batch(instances.map((each) => new Instance(transport, each, null)));
    const ids = instances.map(({ id }) => id);
    const ends = await leaseEndsOf(transport, ids);
    return new Batch(
      instances.map((each) => {
        const granted = { ...lease, instance: each.id, expiresAt: ends.get(each.id) ?? 0 };
        return new Instance(transport, each, new HeldLease(transport, granted, holder));
      }),
    );
  }

  /** When the first of its leases ends if they are not renewed any more; null where they have none. */
  get expiresAt(): Date | null {
    const ends = this.instances.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [Number(expiresAt)]));
    return ends.length === 0 ? null : new Date(Math.min(...ends));
  }

  /** Releases all leases, as `Instance.release` does. Throws UnreachableError, once all were tried: what is left then ends by itself. */
  async release(options: { readonly discard?: boolean } = {}): Promise<void> {
    const released = await Promise.allSettled(this.instances.map((instance) => instance.release(options)));
    const failed = released.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** Epoch milliseconds, by id. One that is not there any more has lost its lease, as its first tick finds. */
async function leaseEndsOf(transport: Transport, ids: readonly string[]): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  for (let start = 0; start < ids.length; start += MOST_NAMED) {
    const named = ids.slice(start, start + MOST_NAMED);
    const { items } = await transport.instances({ ids: named, limit: named.length });
    for (const { id, lease } of items) ends.set(id, lease?.expiresAt ? Date.parse(lease.expiresAt) : 0);
  }
  return ends;
}

import type { RequestResult } from '@spica/queues';
import type { Connection } from './connection.ts';
import type { LeaseLostError } from './errors.ts';
import { type GrantedLease, HeldLease } from './held-lease.ts';
import { Instance } from './instance.ts';

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
   * @param onLost Called with each lease that is lost.
   */
  static async of(
    connection: Connection,
    instances: RequestResult['instances'],
    lease: Pick<GrantedLease, 'owner' | 'token' | 'ms'> | null,
    onLost: (error: LeaseLostError) => void,
  ): Promise<Batch> {
    if (lease === null) return new Batch(instances.map((each) => new Instance(connection, each, null)));
    const known = await connection.catalog.getMany(instances.map(({ id }) => id));
    const ends = new Map(known.map(({ record }) => [record.id, record.lease?.expiresAt ?? 0]));
    return new Batch(
      instances.map((each) => {
        // One that is not there any more has lost its lease, as the first tick finds.
        const granted = { ...lease, instance: each.id, expiresAt: ends.get(each.id) ?? 0 };
        return new Instance(connection, each, new HeldLease(connection.catalog, granted, onLost));
      }),
    );
  }

  /** Releases all leases, as `Instance.release` does. Throws what Redis answers, once all were tried: what is left then ends by itself. */
  async release(options: { readonly discard?: boolean } = {}): Promise<void> {
    const released = await Promise.allSettled(this.instances.map((instance) => instance.release(options)));
    const failed = released.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

import { CheckError } from '@spica/core';
import { type GrowResult, hostUser, type LineageVerdict } from '@spica/queues';
import type { HeldLease } from './held-lease.ts';
import type { Transport } from './transport.ts';
import type { CollectedView, InstanceView, SpawnedInstance } from './view.ts';

/** An instance of a batch: its directory, and its lease if it has one. Its verbs throw InstanceGoneError once it is gone. */
export class Instance {
  readonly id: string;
  /** Its directory, on the host that serves the pool. */
  readonly path: string;
  readonly #transport: Transport;
  readonly #lease: HeldLease | null;
  readonly #never = new AbortController().signal;

  /** @internal */
  constructor(transport: Transport, { id, path }: SpawnedInstance, lease: HeldLease | null) {
    this.id = id;
    this.path = path;
    this.#transport = transport;
    this.#lease = lease;
  }

  /** Aborted, with a LeaseLostError as its reason, once its lease is lost; never where it has none. */
  get signal(): AbortSignal {
    return this.#lease?.signal ?? this.#never;
  }

  /** When its lease ends if it is not renewed any more; null where it has none. */
  get expiresAt(): Date | null {
    return this.#lease?.expiresAt ?? null;
  }

  /** What is known of it now: what keeps it, for one, and when it would go. Reading prolongs nothing. */
  view(): Promise<InstanceView> {
    return this.#transport.instance(this.id);
  }

  /** Says how good it is; null takes that back. With `keep_best` the best of an experiment stay. */
  score(value: number | null): Promise<void> {
    return this.#transport.score(this.id, value);
  }

  /** Keeps it until it is unpinned, whatever retention says. */
  pin(why: string): Promise<void> {
    return this.#transport.pin(this.id, { by: hostUser(), why });
  }

  unpin(): Promise<void> {
    return this.#transport.unpin(this.id, { by: hostUser() });
  }

  /** Raises its cap to so many bytes. Throws RefusedError GROW_REFUSED with the sum where there is no room. */
  grow(capBytes: number): Promise<GrowResult> {
    return this.#transport.grow(this.id, { capBytes, by: hostUser() });
  }

  /**
   * Collects its results now, by the patterns that it has, or by these from now on; null where nothing is collected of it.
   * Throws CheckError COLLECT_FAILED.
   */
  async collect(patterns: readonly string[] | null = null): Promise<CollectedView | null> {
    const { collected, failed } = await this.#transport.collect([this.id], { patterns, by: hostUser() });
    if (failed[0]) throw new CheckError('COLLECT_FAILED', `instance ${this.id}: ${failed[0].reason}`);
    return collected[0] ?? null;
  }

  /** Compares its lineage with its manifest. */
  verify(): Promise<LineageVerdict> {
    return this.#transport.verify(this.id);
  }

  /**
   * Ends its lease: retention may delete it from now on, before others. With `discard: false` it is kept for as long as
   * `retention.keep_after_lease` says.
   */
  async release({ discard = true }: { readonly discard?: boolean } = {}): Promise<void> {
    await this.#lease?.release({ discard });
  }
}

import { CheckError, RefusedError } from '@spica/core';
import { hostUser } from '@spica/queues';
import { Batch } from './batch.ts';
import type { GrantedLease, LeaseHolder } from './held-lease.ts';
import { type CallOptions, readCall } from './options.ts';
import type { Transport } from './transport.ts';
import type { RequestEvent, RequestView } from './view.ts';

/**
 * What was submitted, as far as its handle needs it.
 *
 * @internal
 */
export interface Submitted {
  readonly id: string;
  /** The lease that its instances come up with, its end left out; null for none. */
  readonly lease: Pick<GrantedLease, 'owner' | 'token' | 'ms'> | null;
  /** When the gate gives it up at the latest, epoch milliseconds; null where the pool's `gate.max_wait` decides. */
  readonly heldUntil: number | null;
}

/** @internal */
export interface RequestListener {
  /** Holds the leases of its batch. */
  readonly holder: LeaseHolder;
  /** Its end is known: it has failed, or its batch is its caller's. */
  onEnd(): void;
}

const FOREVER_MS = 2 ** 31 - 1;

/** A request that was submitted. What becomes of it does not depend on this handle. */
export class SpawnRequestHandle implements AsyncIterable<RequestEvent> {
  readonly id: string;
  readonly #transport: Transport;
  readonly #submitted: Submitted;
  readonly #listener: RequestListener;

  /** @internal */
  constructor(transport: Transport, submitted: Submitted, listener: RequestListener) {
    this.id = submitted.id;
    this.#transport = transport;
    this.#submitted = submitted;
    this.#listener = listener;
  }

  /** The token that all leases of its instances have; null for none. Never log it. */
  get leaseToken(): string | null {
    return this.#submitted.lease?.token ?? null;
  }

  /** When the gate gives it up if it holds it until then; null where the pool's `gate.max_wait` decides. */
  get expiresAt(): Date | null {
    const { heldUntil } = this.#submitted;
    return heldUntil === null ? null : new Date(heldUntil);
  }

  /** Where it stands now, and what was asked for. */
  view(): Promise<RequestView> {
    return this.#transport.request(this.id);
  }

  /**
   * Waits for its instances. Those with a lease keep it from then on, until the batch is disposed of. Throws RefusedError
   * when the gate rejected it (`details` has the sum), CheckError when it failed (nothing of it is left) or is not known
   * any more, TimedOutError WAIT_TIMED_OUT, and the signal's reason (the request goes on).
   */
  async ready(options: CallOptions = {}): Promise<Batch> {
    const { timeoutMs = FOREVER_MS, ...rest } = readCall('ready', options);
    const { holder, onEnd } = this.#listener;
    try {
      const { instances } = await this.#transport.wait(this.id, { timeoutMs, ...rest });
      const batch = await Batch.of(this.#transport, instances, this.#submitted.lease, holder);
      onEnd();
      return batch;
    } catch (error) {
      if (error instanceof CheckError || error instanceof RefusedError) onEnd();
      throw error;
    }
  }

  /**
   * Takes the request back: held, it leaves the gate; being spawned, it is undone. Resolves with `completed` when it comes
   * too late: then its instances are there, and it changes nothing. Throws CheckError REQUEST_UNKNOWN.
   */
  cancel(): Promise<'cancelled' | 'completed'> {
    return this.#transport.cancel(this.id, { by: hostUser() });
  }

  /** Tells of each change, from now to the end: the last event is `ready`, `rejected` or `failed`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RequestEvent, void> {
    const over = new AbortController();
    try {
      for await (const { event } of this.#transport.events(this.id, { signal: over.signal })) {
        if (event.phase === 'rejected' || event.phase === 'failed') this.#listener.onEnd();
        yield event;
      }
    } finally {
      over.abort(new Error('nobody listens any more'));
    }
  }
}

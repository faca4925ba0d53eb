import { EventEmitter, on } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CheckError, type SpicaError } from '@spica/core';
import { gatePayloadSchema, progressOf, type RequestProgress, type RequestResult } from '@spica/queues';
import { Batch } from './batch.ts';
import type { Connection } from './connection.ts';
import type { LeaseLostError } from './errors.ts';
import type { GrantedLease } from './held-lease.ts';

/** Where a request stands, as it changes. */
export type RequestEvent =
  | Exclude<RequestProgress, { readonly phase: 'held' | 'spawning' | 'done' }>
  /** `position` in the line, the head is 1; null where the line is not known. `until`: then it is rejected. */
  | (Extract<RequestProgress, { readonly phase: 'held' }> & { readonly position: number | null })
  /** So many of its instances have come up. */
  | { readonly phase: 'spawning'; readonly reason: string; readonly spawned: number; readonly of: number }
  | { readonly phase: 'ready'; readonly reason: string };

/**
 * What was submitted, as far as its handle needs it.
 *
 * @internal
 */
export interface Submitted {
  readonly id: string;
  readonly count: number;
  /** The lease that its instances come up with, its end left out; null for none. */
  readonly lease: Pick<GrantedLease, 'owner' | 'token' | 'ms'> | null;
}

export interface ReadyOptions {
  /** How long this call waits, in milliseconds; the request goes on. By default as long as it takes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const LOOK_EVERY_MS = 300;
const FOREVER_MS = 2 ** 31 - 1;

/** A request that was submitted. What becomes of it does not depend on this handle. */
export class SpawnRequestHandle implements AsyncIterable<RequestEvent> {
  readonly id: string;
  readonly #connection: Connection;
  readonly #submitted: Submitted;
  readonly #onLost: (error: LeaseLostError) => void;

  /** @internal */
  constructor(connection: Connection, submitted: Submitted, onLost: (error: LeaseLostError) => void) {
    this.id = submitted.id;
    this.#connection = connection;
    this.#submitted = submitted;
    this.#onLost = onLost;
  }

  /** The token that all leases of its instances have; null for none. Never log it. */
  get leaseToken(): string | null {
    return this.#submitted.lease?.token ?? null;
  }

  /**
   * Waits for its instances. Those with a lease keep it from then on, until the batch is disposed of. Throws RefusedError
   * when the gate rejected it, CheckError when it failed (nothing of it is left) or is not known any more, TimedOutError
   * WAIT_TIMED_OUT, and the signal's reason (the request goes on).
   */
  async ready({ timeoutMs = FOREVER_MS, signal }: ReadyOptions = {}): Promise<Batch> {
    const { instances } = await this.#end(timeoutMs, signal);
    return Batch.of(this.#connection, instances, this.#submitted.lease, this.#onLost);
  }

  /**
   * Takes the request back: held, it leaves the gate; being spawned, it is undone. Resolves with `completed` when it comes
   * too late: then its instances are there, and it changes nothing. Throws CheckError REQUEST_UNKNOWN.
   */
  async cancel(): Promise<'cancelled' | 'completed'> {
    const { queues, catalog } = this.#connection;
    const job = await queues.gate.getJob(this.id);
    const payload = gatePayloadSchema.safeParse(job?.data).data;
    if (!job || !payload) {
      throw new CheckError('REQUEST_UNKNOWN', `request: no request ${this.id} is known (any more)`);
    }
    if (job.finishedOn) return job.failedReason ? 'cancelled' : 'completed';
    return catalog.cancel(this.id, payload.life);
  }

  /** Tells of each change, from now to the end: the last event is `ready`, `rejected` or `failed`. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RequestEvent, void> {
    const controller = new AbortController();
    const emitter = new EventEmitter();
    const events = on(emitter, 'event', { close: ['end'], signal: controller.signal });
    const following = this.#follow((event) => emitter.emit('event', event), controller.signal);
    const ending = this.#end(FOREVER_MS, controller.signal).then(
      ({ instances }) => ({ phase: 'ready', reason: `${instances.length} spawned` }) as const,
      (error: SpicaError) => {
        const phase = error.kind === 'refused' ? ('rejected' as const) : ('failed' as const);
        return { phase, reason: error.message, code: error.code };
      },
    );
    void ending.then((event) => {
      emitter.emit('event', event);
      emitter.emit('end');
    });
    try {
      for await (const [event] of events) yield event as RequestEvent;
    } finally {
      controller.abort();
      await following;
    }
  }

  #end(timeoutMs: number, signal?: AbortSignal): Promise<RequestResult> {
    return this.#connection.watcher.wait(this.id, { timeoutMs, ...(signal ? { signal } : {}) });
  }

  /** Calls back with where it stands whenever that has changed, until the signal is aborted. */
  async #follow(callback: (event: RequestEvent) => void, signal: AbortSignal): Promise<void> {
    let last = '';
    while (!signal.aborted) {
      const event = await this.#read().catch(() => null); // Redis is away: the next look may find it back
      const text = JSON.stringify(event);
      if (event && text !== last && !signal.aborted) callback(event);
      if (event) last = text;
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Null before the gate has looked at it, and at its end, which is waited for otherwise. */
  async #read(): Promise<RequestEvent | null> {
    const { queues, catalog } = this.#connection;
    const job = await queues.gate.getJob(this.id);
    const progress = job?.finishedOn ? null : progressOf(job?.progress);
    switch (progress?.phase) {
      case undefined:
      case 'done':
      case 'rejected':
      case 'failed':
        return null;
      case 'held': {
        const line = (await catalog.publishedGate())?.held ?? [];
        const place = line.findIndex(({ request }) => request === this.id);
        return { ...progress, position: place < 0 ? null : place + 1 };
      }
      case 'spawning': {
        const { count } = this.#submitted;
        const { unprocessed = count } = (await job?.getDependenciesCount({ unprocessed: true })) ?? {};
        return { ...progress, spawned: Math.max(0, count - unprocessed), of: count };
      }
      default:
        return progress;
    }
  }
}

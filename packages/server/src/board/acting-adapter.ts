import { cancelRequest } from '@spica/client/redis';
import { CheckError, type Clock, SpicaError } from '@spica/core';
import { parsePayload, type QueueName, spawnRequestSchema, submitOrFind } from '@spica/queues';
import { problemOf } from '../api/problem.ts';
import type { ServerPool } from '../pool.ts';
import { actAs } from './act.ts';
import { BoardAdapter, type BoardAdapterOptions, type BoardJob } from './board-adapter.ts';

type AdapterOptions = BoardAdapterOptions & { readonly clock: Clock };

/**
 * A queue of a pool for operators. What would leave something half done in the gate is done by the gate: a request that has
 * not ended is cancelled, not removed, so that all that it held is given back and whoever waits for it is told; a copy of
 * one is submitted anew, so that it is decided as any other. A copy of another job is an ordinary one.
 */
export class ActingAdapter extends BoardAdapter {
  readonly #pool: ServerPool;
  readonly #name: QueueName;
  readonly #clock: Clock;

  constructor(pool: ServerPool, name: QueueName, { clock, ...options }: AdapterOptions) {
    super(pool.queues[name], options);
    this.#pool = pool;
    this.#name = name;
    this.#clock = clock;
  }

  override async getJob(id: string): Promise<BoardJob | undefined> {
    const job = await super.getJob(id);
    if (!job || this.#name !== 'gate' || job.finishedOn) return job;
    const remove = job.remove.bind(job);
    return Object.assign(job, { remove: () => told(this.#cancel(id, remove)) });
  }

  override addJob(name: string, data: unknown): Promise<BoardJob> {
    return told(this.#add(name, data));
  }

  async #add(name: string, data: unknown): Promise<BoardJob> {
    const { queues } = this.#pool;
    if (this.#name !== 'gate') return (await queues[this.#name].add(name, data)) as unknown as BoardJob;
    const { id } = await submitOrFind(queues, this.#requestIn(data), { key: null, clock: this.#clock });
    const job = await this.getJob(id);
    if (job) return job;
    throw new CheckError('REQUEST_UNKNOWN', `request: ${id} has ended and is forgotten already`);
  }

  /** Of a gate's job, or as it was submitted. Nobody has the token of the lease that a copy would have: it has none. */
  #requestIn(data: unknown) {
    const request = typeof data === 'object' && data !== null && 'request' in data ? data.request : data;
    const asked = { ...(request as object), pool: this.#pool.policy.name, lease: null, by: actAs().name };
    return parsePayload(spawnRequestSchema, asked, 'request');
  }

  async #cancel(id: string, remove: () => Promise<void>): Promise<void> {
    const { policy, queues, catalog } = this.#pool;
    try {
      const outcome = await cancelRequest({ name: policy.name, queues, catalog }, id, { by: actAs().name });
      if (outcome === 'cancelled') return;
    } catch (error) {
      if (error instanceof SpicaError && error.code === 'REQUEST_UNKNOWN') return remove(); // it is no request
      throw error;
    }
    throw new CheckError('REQUEST_ENDED', `request ${id} has completed meanwhile: its instances are there`);
  }
}

/** The board answers with the status that an error brings along. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw Object.assign(error as Error, { statusCode: problemOf(error).status });
  }
}

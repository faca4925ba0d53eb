import { CheckError } from '@spica/core';
import {
  gatePayloadSchema,
  type PoolQueues,
  progressOf,
  QUEUE_NAMES,
  type QueueName,
  type RequestProgress,
  type RequestResult,
  readFailure,
  type SpawnRequest,
} from '@spica/queues';
import type { Job } from 'bullmq';
import { toIso } from '../output/age.ts';

/** A job that works for a request. */
export interface ChildView {
  readonly id: string;
  readonly queue: QueueName;
  readonly state: string;
  readonly failure: string | null;
}

/** Where a request stands. */
export interface RequestView {
  readonly id: string;
  readonly pool: string;
  /** Tells this life of the request from others under the same id; empty where the job's payload cannot be read. */
  readonly life: string;
  /** The gate job's state, in BullMQ's words. */
  readonly state: string;
  readonly progress: RequestProgress | null;
  /** Null where the job's payload cannot be read. */
  readonly request: SpawnRequest | null;
  readonly submittedAt: string | null;
  readonly endedAt: string | null;
  readonly instances: RequestResult['instances'];
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly children: readonly ChildView[];
}

/** Reads a request and its children from the queues. Throws CheckError REQUEST_UNKNOWN. */
export async function readRequest(queues: PoolQueues, pool: string, id: string): Promise<RequestView> {
  const job = await queues.gate.getJob(id);
  if (!job) {
    const shown = id.length > 80 ? `${id.slice(0, 80)}…` : id;
    throw new CheckError(
      'REQUEST_UNKNOWN',
      `id: no instance or request "${shown}" is known in pool ${pool} (any more)`,
    );
  }
  const payload = gatePayloadSchema.safeParse(job.data).data ?? null;
  const result = job.returnvalue as RequestResult | null;
  return {
    id,
    pool,
    life: payload?.life ?? '',
    state: await job.getState(),
    progress: progressOf(job.progress),
    request: payload?.request ?? null,
    submittedAt: toIso(payload?.submittedAt),
    endedAt: toIso(job.finishedOn),
    instances: result?.instances ?? [],
    failure: job.failedReason ? readFailure(job.failedReason) : null,
    children: await readChildren(queues, job),
  };
}

/** All that were started for it and are still known: those of earlier rounds too. */
async function readChildren(queues: PoolQueues, job: Job): Promise<ChildView[]> {
  const { processed = {}, ignored = {}, unprocessed = [] } = await job.getDependencies();
  const keys = [...Object.keys(processed), ...Object.keys(ignored), ...unprocessed];
  const children = await Promise.all(keys.map((key) => readChild(queues, key)));
  return children.filter((child) => child !== null).sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** BullMQ's key of a job: prefix, queue and id, with a colon between them; the id has none. */
async function readChild(queues: PoolQueues, key: string): Promise<ChildView | null> {
  const [id = '', name] = key.split(':').reverse();
  const queue = QUEUE_NAMES.find((each) => each === name);
  if (!queue) return null;
  const state = await queues[queue].getJobState(id);
  if (state === 'unknown') return null;
  const failed = state === 'failed' ? await queues[queue].getJob(id) : undefined;
  return { id, queue, state, failure: failed?.failedReason ?? null };
}

import { CheckError } from '@spica/core';
import {
  childIds,
  type GatePayload,
  gatePayloadSchema,
  type PoolQueues,
  progressOf,
  type QueueName,
  type RequestProgress,
  type RequestResult,
  readFailure,
  type SpawnRequest,
} from '@spica/queues';
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
    state: await job.getState(),
    progress: progressOf(job.progress),
    request: payload?.request ?? null,
    submittedAt: toIso(payload?.submittedAt),
    endedAt: toIso(job.finishedOn),
    instances: result?.instances ?? [],
    failure: job.failedReason ? readFailure(job.failedReason) : null,
    children: payload ? await readChildren(queues, id, payload) : [],
  };
}

/** Those of the children that may exist that do: their ids follow from the request. */
async function readChildren(queues: PoolQueues, id: string, payload: GatePayload): Promise<ChildView[]> {
  const possible: [QueueName, string][] = [
    ...upTo(payload.prepareRound).map((round): [QueueName, string] => ['spawn', childIds.prepare(id, round)]),
    ...upTo(payload.reclaimRound).map((round): [QueueName, string] => ['prune', childIds.reclaim(id, round)]),
    ...upTo(payload.request.count - 1).map((index): [QueueName, string] => [
      'spawn',
      childIds.spawn(id, index),
    ]),
    ['prune', childIds.undo(id)],
  ];
  const children = await Promise.all(possible.map(([queue, child]) => readChild(queues, queue, child)));
  return children.filter((child) => child !== null);
}

/** 0 … last, the last included. */
function upTo(last: number): number[] {
  return Array.from({ length: last + 1 }, (_, index) => index);
}

async function readChild(queues: PoolQueues, queue: QueueName, id: string): Promise<ChildView | null> {
  const state = await queues[queue].getJobState(id);
  if (state === 'unknown') return null;
  const failed = state === 'failed' ? await queues[queue].getJob(id) : undefined;
  return { id, queue, state, failure: failed?.failedReason ?? null };
}

import type { HeldRequest } from '@spica/catalog';
import { isoTime } from '@spica/core';
import {
  gatePayloadSchema,
  type PoolQueues,
  progressOf,
  QUEUE_NAMES,
  type RequestProgress,
  type RequestResult,
  readFailure,
  type SpawnRequest,
} from '@spica/queues';
import type { Job } from 'bullmq';
import { requestUnknown } from '../errors.ts';
import type { RequestedSpawn, RequestView } from '../view.ts';
import type { Connection } from './connection.ts';

/** What a request is read from. */
type RequestPool = Pick<Connection, 'queues' | 'name'> & {
  readonly catalog: Pick<Connection['catalog'], 'publishedGate'>;
};

/** The line as the gate has published it, the head first. */
export type PublishedHeld = readonly HeldRequest[];

/**
 * Reads a request and its children from the queues. Throws CheckError REQUEST_UNKNOWN.
 *
 * @param held The line, for one that is held.
 */
export async function readRequest(
  { queues, name: pool, catalog }: RequestPool,
  id: string,
  held?: PublishedHeld,
): Promise<RequestView> {
  const job = await queues.gate.getJob(id);
  if (!job) throw requestUnknown(id, pool);
  const payload = gatePayloadSchema.safeParse(job.data).data ?? null;
  const result = job.returnvalue as RequestResult | null;
  const progress = progressOf(job.progress);
  const isHeld = progress?.phase === 'held' && !job.finishedOn;
  const line = isHeld ? (held ?? (await catalog.publishedGate())?.held ?? []) : [];
  const place = line.findIndex(({ request }) => request === id);
  return {
    id,
    pool,
    life: payload?.life ?? '',
    state: await job.getState(),
    progress,
    request: payload && toRequested(payload.request),
    submittedAt: toIso(payload?.submittedAt),
    endedAt: toIso(job.finishedOn),
    instances: result?.instances ?? [],
    failure: job.failedReason ? readFailure(job.failedReason) : null,
    children: await readChildren(queues, job),
    position: place < 0 ? null : place + 1,
    whatWouldHelp: line[place]?.short?.help ?? null,
    ...(await countSpawned(job, progress, result)),
  };
}

/** How many of its instances have come up, and how many were asked for. */
export async function countSpawned(
  job: Job,
  progress: RequestProgress | null,
  result: RequestResult | null,
): Promise<{ readonly spawned: number; readonly of: number }> {
  const of = gatePayloadSchema.safeParse(job.data).data?.request.count ?? 0;
  if (result) return { spawned: result.instances.length, of };
  if (job.finishedOn || progress?.phase !== 'spawning') return { spawned: 0, of };
  const { unprocessed = of } = await job.getDependenciesCount({ unprocessed: true });
  return { spawned: Math.max(0, of - unprocessed), of };
}

function toIso(at: number | undefined): string | null {
  return at === undefined ? null : isoTime(at);
}

function toRequested({ lease, ...rest }: SpawnRequest): RequestedSpawn {
  return { ...rest, lease: lease && { owner: lease.owner, ms: lease.ms } };
}

type ChildView = RequestView['children'][number];

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

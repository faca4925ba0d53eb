import { instanceIdOf } from '@spica/core';
import type { GatePayload, RequestProgress, RequestResult } from '@spica/queues';
import { type Job, type Queue, WaitingChildrenError } from 'bullmq';
import type { Logger } from 'pino';
import type { ServedContext } from '../context.ts';

/** A request's job while the gatekeeper has it. */
export interface GateJob {
  readonly ctx: ServedContext;
  readonly job: Job<GatePayload, RequestResult>;
  readonly token: string;
  /** The request's id. */
  readonly id: string;
  readonly logger: Logger;
  state: GatePayload;
}

/** Saves where the request stands. Always before the job moves: the lock is gone afterwards. */
export async function save(gateJob: GateJob, patch: Partial<GatePayload>): Promise<void> {
  gateJob.state = { ...gateJob.state, ...patch };
  await gateJob.job.updateData(gateJob.state);
}

export async function report({ job }: GateJob, progress: RequestProgress): Promise<void> {
  await job.updateProgress(progress);
}

/** Parks the request until its children have ended. Returns only if they all have. */
export async function awaitChildren({ job, token }: GateJob): Promise<void> {
  if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError();
}

/** Which of its children belong to where the request stands now. */
export function roundOf({ id, state }: GateJob) {
  return { request: id, life: state.life, round: state.round };
}

/** Ties a child to its request. Its failure is for the gatekeeper to judge, not for BullMQ. */
export function childOptions({ id, job }: GateJob, jobId: string) {
  return {
    jobId,
    parent: { id, queue: job.queueQualifiedName },
    ignoreDependencyOnFailure: true,
  } as const;
}

/**
 * Starts a child and parks the request until it has ended. `step` and a new round are saved before, so that whoever takes
 * the request up again knows what it waits for. Never returns normally but where the child has ended already.
 */
export async function startChild(
  gateJob: GateJob,
  queue: Queue,
  child: { name: string; id: (round: ReturnType<typeof roundOf>) => string; data: unknown },
  patch: Partial<GatePayload> & Pick<GatePayload, 'step'>,
  progress: RequestProgress,
): Promise<void> {
  await save(gateJob, { ...patch, round: gateJob.state.round + 1 });
  await report(gateJob, progress);
  await queue.add(child.name, child.data, childOptions(gateJob, child.id(roundOf(gateJob))));
  await awaitChildren(gateJob);
}

/** How a child ended; null where it is not there: the process was killed before it was added, or it was removed. */
export type ChildEnd<T> = { readonly value: T } | { readonly failure: string } | null;

/** Waits for the child of this round, unless it is not there, and resolves with how it ended. */
export async function endOfChild<T>(gateJob: GateJob, queue: Queue, id: string): Promise<ChildEnd<T>> {
  await awaitChildren(gateJob);
  const child = await queue.getJob(id);
  if (!child?.finishedOn) return null;
  return child.failedReason ? { failure: child.failedReason } : { value: child.returnvalue as T };
}

/** The ids of all instances that the request may have, by index. */
export function instanceIdsOf({ ctx, id, state }: GateJob): string[] {
  return Array.from({ length: state.request.count }, (_, index) => instanceIdOf(ctx.pool.name, id, index));
}

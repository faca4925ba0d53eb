import { CheckError } from '@spica/core';
import type { GatePayload, RequestProgress, RequestResult } from '@spica/queues';
import { type Job, type Queue, WaitingChildrenError } from 'bullmq';
import type { Logger } from 'pino';
import type { ServedContext } from '../context.ts';

/** One run of a gate job: the request, where it stands, and what it may use. */
export interface Turn {
  readonly ctx: ServedContext;
  readonly job: Job<GatePayload, RequestResult>;
  readonly token: string;
  /** The request's id. */
  readonly id: string;
  readonly logger: Logger;
  state: GatePayload;
  /** A prune for this request has just ended, and another would come to no more. */
  reclaimedInVain: boolean;
  /** It has been admitted in this run: none of its spawn jobs is there yet. */
  isNew: boolean;
}

/** What a step leads to: another step, or the request's end. */
export type StepResult = { readonly next: GatePayload['step'] } | { readonly result: RequestResult };

/** Saves what the request has come to. Always before the job moves: the lock is gone afterwards. */
export async function save(turn: Turn, patch: Partial<GatePayload>): Promise<void> {
  turn.state = { ...turn.state, ...patch };
  await turn.job.updateData(turn.state);
}

export async function report(turn: Turn, progress: RequestProgress): Promise<void> {
  await turn.job.updateProgress(progress);
}

/** Parks the request until its children have ended. Returns only if they all have. */
export async function waitForChildren(turn: Turn): Promise<void> {
  if (await turn.job.moveToWaitingChildren(turn.token)) throw new WaitingChildrenError();
}

/** How a child ended. */
export type ChildEnd<T> = { readonly value: T } | { readonly failure: string };

/** Options that tie a child to its request: its failure is for the gatekeeper to judge, not BullMQ. */
export function childOptions(turn: Turn, jobId: string) {
  return {
    jobId,
    parent: { id: turn.id, queue: turn.job.queueQualifiedName },
    ignoreDependencyOnFailure: true,
  } as const;
}

/** Adds one child, if it is not there yet, and parks the request until it has ended. */
export async function runChild<T>(
  turn: Turn,
  queue: Queue,
  child: { name: string; id: string; data: unknown },
): Promise<ChildEnd<T>> {
  if (!(await queue.getJob(child.id))) {
    await queue.add(child.name, child.data, childOptions(turn, child.id));
  }
  await waitForChildren(turn);
  const ended = await queue.getJob(child.id);
  if (!ended?.finishedOn) {
    throw new CheckError(
      'CHILD_GONE',
      `the ${child.name} job ${child.id} of request ${turn.id} was removed before it ended`,
    );
  }
  return ended.failedReason ? { failure: ended.failedReason } : { value: ended.returnvalue as T };
}

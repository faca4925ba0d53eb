import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, isoTime } from '@spica/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Caller, ON_LOOPBACK } from '../listen/callers.ts';
import { isSafe } from '../listen/cross-site.ts';
import type { ServerPool } from '../pool.ts';
import { type Action, type Asked, actionOf, whyNot } from './actions.ts';
import { findJob } from './find-job.ts';
import { findQueue } from './names.ts';

const callers = new AsyncLocalStorage<Caller>();

/** Who calls the board, for its handlers, which Bull Board does not tell. Outside of a call nobody who may act. */
export function actAs(): Caller {
  return callers.getStore() ?? ON_LOOPBACK;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** What an operator has asked for, and is in the audit log; null for what only looks. */
    boardAction: Acting | null;
  }
}

interface Acting {
  readonly action: Action;
  readonly pools: readonly ServerPool[];
  readonly what: string;
}

interface ActionOptions {
  readonly pools: readonly ServerPool[];
  readonly clock: Clock;
  /** Where the board is. */
  readonly path: string;
}

/**
 * Stands before the board's actions, once it is clear that an operator calls: refuses those that would break a promise, and
 * has the audit log say who asked for what, before it is done, and what came of it.
 */
export function addActions(scope: FastifyInstance, options: ActionOptions): void {
  scope.decorateRequest('boardAction', null);
  scope.addHook('preHandler', async (request, reply) => {
    if (isSafe(request.method)) return;
    const acting = describe(request, options);
    const why = acting === null ? UNKNOWN : await whyNot(acting.action, await readAsked(request, options));
    if (acting !== null)
      await note(request, acting, { outcome: why === null ? 'asked' : 'refused', why }, options.clock);
    if (why !== null) {
      const refused = { error: { key: 'ERRORS.FORBIDDEN' }, message: why, code: 'BOARD_ACTION_REFUSED' };
      return reply.code(409).send(refused);
    }
    request.boardAction = acting;
  });
  scope.addHook('preHandler', (request, _reply, done) => callers.run(request.caller ?? ON_LOOPBACK, done));
  scope.addHook('onSend', async (request, reply, body) => {
    if (request.boardAction === null) return body;
    const isDone = reply.statusCode < 400;
    const why = isDone || typeof body !== 'string' ? null : body.slice(0, 500);
    await note(request, request.boardAction, { outcome: isDone ? 'done' : 'failed', why }, options.clock);
    return body;
  });
}

const UNKNOWN = 'it is not known what this would do to requests and instances';

/** What is asked for; null where there is no such action, or no such queue. */
function describe(request: FastifyRequest, { pools, path }: ActionOptions): Acting | null {
  const action = actionOf(request.method, (request.routeOptions.url ?? '').slice(path.length));
  if (action === null) return null;
  const { queueName, jobId, queueStatus, schedulerId } = request.params as Readonly<Record<string, string>>;
  if (queueName === undefined) return { action, pools, what: 'all queues' };
  const found = findQueue(pools, queueName);
  if (found === null) return null;
  const of = [
    jobId && `job ${jobId}`,
    queueStatus && `all ${queueStatus} jobs`,
    schedulerId && `schedule ${schedulerId}`,
  ];
  const what = [...of.filter(Boolean), `queue ${found.queue}`].join(' of ');
  return { action, pools: [found.pool], what: what.slice(0, 200) };
}

async function readAsked(request: FastifyRequest, { pools }: ActionOptions): Promise<Asked> {
  const { queueName = '', jobId, queueStatus } = request.params as Readonly<Record<string, string>>;
  const found = findQueue(pools, queueName);
  const queue = found?.pool.queues[found.queue];
  const job = queue && jobId !== undefined ? await findJob(queue, jobId) : undefined;
  const body = request.body as { readonly name?: unknown; readonly data?: unknown } | undefined;
  return {
    queue: found?.queue ?? null,
    job: job
      ? {
          name: job.name,
          data: job.data,
          hasFailed: Boolean(job.finishedOn && job.failedReason),
          state: await job.getState(),
        }
      : null,
    added: { name: body?.name, data: body?.data },
    status: queueStatus ?? null,
  };
}

async function note(
  { caller, params }: FastifyRequest,
  { action, pools, what }: Acting,
  { outcome, why }: { readonly outcome: string; readonly why: string | null },
  clock: Clock,
): Promise<void> {
  const { jobId = '' } = params as { jobId?: string };
  const entry = {
    action: `board_${action}`,
    request: /^(?:req|key)-[0-9a-f]{1,64}$/.test(jobId) ? jobId : null,
    reason: `${caller?.name ?? 'nobody'} on the board: ${what}${why === null ? '' : `: ${why}`}`,
    at: isoTime(clock.now()),
    outcome,
  };
  for (const { catalog } of pools) await catalog.leaveNote(entry);
}

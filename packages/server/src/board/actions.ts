import {
  gatePayloadSchema,
  type PrunePayload,
  prunePayloadSchema,
  type QueueName,
  samplePayloadSchema,
} from '@spica/queues';

/** What operators can ask for on the board. */
export type Action =
  | 'pause'
  | 'resume'
  | 'add_job'
  | 'retry'
  | 'retry_all'
  | 'promote'
  | 'promote_all'
  | 'remove'
  | 'clean'
  | 'run_schedule'
  | 'empty'
  | 'obliterate'
  | 'change_job'
  | 'change_queue'
  | 'change_schedule'
  | 'drop_children';

/** The board's calls that change something, by method and path. */
const ACTIONS: Readonly<Record<string, Action>> = {
  'PUT /api/queues/pause': 'pause',
  'PUT /api/queues/resume': 'resume',
  'PUT /api/queues/:queueName/pause': 'pause',
  'PUT /api/queues/:queueName/resume': 'resume',
  'POST /api/queues/:queueName/add': 'add_job',
  'PUT /api/queues/:queueName/:jobId/retry': 'retry',
  'PUT /api/queues/:queueName/retry/:queueStatus': 'retry_all',
  'PUT /api/queues/:queueName/:jobId/promote': 'promote',
  'PUT /api/queues/:queueName/promote': 'promote_all',
  'PUT /api/queues/:queueName/:jobId/clean': 'remove',
  'PUT /api/queues/:queueName/clean/:queueStatus': 'clean',
  'PUT /api/queues/:queueName/job-schedulers/:schedulerId/run': 'run_schedule',
  'PUT /api/queues/:queueName/empty': 'empty',
  'PUT /api/queues/:queueName/obliterate': 'obliterate',
  'PATCH /api/queues/:queueName/:jobId/update-data': 'change_job',
  'PATCH /api/queues/:queueName/:jobId/delay': 'change_job',
  'PATCH /api/queues/:queueName/:jobId/priority': 'change_job',
  'PUT /api/queues/:queueName/concurrency': 'change_queue',
  'PUT /api/queues/:queueName/rate-limit': 'change_queue',
  'PUT /api/queues/:queueName/rate-limit/release': 'change_queue',
  'PUT /api/queues/:queueName/job-schedulers/:schedulerId/remove': 'change_schedule',
  'PATCH /api/queues/:queueName/job-schedulers/:schedulerId': 'change_schedule',
  'PUT /api/queues/:queueName/:jobId/remove-unprocessed-children': 'drop_children',
};

/** Null for a call that a later version of the board may have: nobody has thought of what it would do. */
export function actionOf(method: string, path: string): Action | null {
  return ACTIONS[`${method} ${path}`] ?? null;
}

/** What an action is about, as far as it decides whether it may be taken. */
export interface Asked {
  /** Null for all of them. */
  readonly queue: QueueName | null;
  /** Null where it is about none, or there is none. */
  readonly job: {
    readonly name: string;
    readonly data: unknown;
    readonly hasFailed: boolean;
    /** BullMQ's word. */
    readonly state: string;
  } | null;
  /** The job that is to be added. */
  readonly added: { readonly name: unknown; readonly data: unknown };
  /** The jobs' state, where it is about all in one. */
  readonly status: string | null;
}

/** Why an action would break a promise or has nothing to do, and what to do instead; null for one that is safe. */
export function whyNot(action: Action, asked: Asked): string | null {
  switch (action) {
    // Nothing is lost by waiting: what was promised stays reserved, and a full disk is looked after without queues.
    case 'pause':
    case 'resume':
    // Jobs run as they would have later, or at their next time.
    case 'promote_all':
    case 'run_schedule':
    // A request that has not ended is cancelled; whoever waits for another job goes on without it.
    case 'remove':
      return null;
    case 'promote':
      return whyNotPromote(asked);
    case 'add_job':
      return whyNotAdd(asked);
    case 'retry':
      return whyNotRetry(asked);
    case 'retry_all':
      return asked.queue === 'spawn' || asked.queue === 'sample'
        ? whyNotAll('retried', asked.status, ['failed'])
        : `jobs of the ${asked.queue} queue are retried one by one: each is judged by what it is about`;
    case 'clean':
      return whyNotAll('removed', asked.status, ['completed', 'failed']);
    case 'empty':
    case 'obliterate':
      return 'requests would be lost that were acknowledged, and what they hold with them: cancel them one by one';
    case 'change_job':
      return 'a job says what was decided, and when it is due: cancel the request and submit another';
    case 'change_queue':
      return 'how many jobs run at a time is for spica.yaml to say (concurrency), where it can be seen';
    case 'change_schedule':
      return 'what repeats, and when, is for spica.yaml to say (prune, sample)';
    case 'drop_children':
      return 'remove the request itself: it is cancelled, and what came up of it is undone';
  }
}

function whyNotAll(done: string, status: string | null, may: readonly string[]): string | null {
  if (status !== null && may.includes(status)) return null;
  return `only jobs that are ${may.join(' or ')} are ${done} all at once: others are work that somebody waits for`;
}

/** A copy runs as an ordinary job: it has to be one that is safe whenever it runs. */
function whyNotAdd({ queue, added: { name, data } }: Asked): string | null {
  switch (queue) {
    case 'gate':
      return null; // it is submitted as a request
    case 'spawn':
      // It does nothing but for a request that was admitted, and for one of its instances that is not there.
      return name === 'spawn' || name === 'prepare' ? null : 'expected a job called spawn or prepare';
    case 'prune': {
      const { cause } = prunePayloadSchema.safeParse(data).data ?? {};
      if (cause === 'schedule' || cause === 'reconcile') return null;
      return 'it would delete without a plan that anybody has seen: use `spica prune`, or the page';
    }
    case 'sample': {
      const payload = samplePayloadSchema.safeParse(data).data;
      return payload && 'ids' in payload ? null : 'expected a job that measures instances (`ids`)';
    }
    case null:
      return 'expected a queue';
  }
}

/** It runs as it would have later. */
function whyNotPromote({ job }: Asked): string | null {
  if (job === null || job.state === 'delayed') return null; // that there is none, the board says
  return `only a job that is delayed can be promoted, and this one is ${job.state}`;
}

function whyNotRetry({ queue, job }: Asked): string | null {
  if (job === null) return null; // there is none, which the board says
  if (!job.hasFailed)
    return 'it has done its work: what it did would be done again where it is not wanted any more';
  if (queue === 'gate') {
    const state = gatePayloadSchema.safeParse(job.data).data;
    return !state || state.admitted === null
      ? null // it is decided as any other
      : 'it was let in, and what was reserved for it was given back: submit it again (duplicate)';
  }
  if (queue === 'prune') {
    const payload = prunePayloadSchema.safeParse(job.data).data;
    return !payload || mayRunAgain(payload)
      ? null
      : 'it was to make room, or to undo, for somebody who does not wait for that any more: use `spica prune`';
  }
  return null; // a spawn does nothing but for an admitted request; a measurement may be taken at any time
}

/** Whether a prune is right whenever it runs: by the pool's own limits, or as somebody has asked for exactly. */
function mayRunAgain(payload: PrunePayload): boolean {
  switch (payload.cause) {
    case 'schedule':
    case 'reconcile':
    case 'sealed':
    case 'restore':
      return true;
    case 'operator':
      return payload.maxInstances === null && payload.maxAgeMs === null;
    case 'trash':
      return !payload.all;
    case 'request':
    case 'pressure':
    case 'undo':
      return false;
  }
}

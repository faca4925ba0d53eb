import type { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { QueueJobJson } from '@bull-board/api/typings/app';
import type { Clock } from '@spica/core';
import { QUEUE_NAMES, type QueueName } from '@spica/queues';
import type { ServerPool } from '../pool.ts';
import { ActingAdapter } from './acting-adapter.ts';
import { BoardAdapter } from './board-adapter.ts';
import { linkOf } from './link.ts';
import { DELIMITER } from './names.ts';
import { showProgress, titleOfRequest } from './title.ts';

const DESCRIPTIONS: Readonly<Record<QueueName, string>> = {
  gate: 'Requests: admitted, held or rejected. Each one’s children are its spawns and prunes',
  spawn: 'Clones of templates, and the snapshots that they are made from',
  prune: 'Deletions: by schedule, by operators, and to make room for a request',
  sample: 'Measurements of instances, and what is asked of the worker',
};

export interface AdaptOptions {
  readonly clock: Clock;
  /** Whether it is for those who may act. */
  readonly acts: boolean;
}

/** The board's view of every queue of every pool, as `pool.queue`: the pools' queues have the same four names. */
export function adaptQueues(pools: readonly ServerPool[], options: AdaptOptions): BullMQAdapter[] {
  return pools.flatMap((pool) => QUEUE_NAMES.map((name) => adapt(pool, name, options)));
}

function adapt(pool: ServerPool, name: QueueName, { clock, acts }: AdaptOptions): BullMQAdapter {
  const { policy, queues } = pool;
  const options = {
    prefix: `${policy.name}${DELIMITER}`,
    delimiter: DELIMITER,
    description: DESCRIPTIONS[name],
    readOnlyMode: !acts,
    allowCompletedRetries: false,
    externalJobUrl: (job: QueueJobJson) => linkOf(policy.name, name, job),
  };
  const adapter = acts
    ? new ActingAdapter(pool, name, { ...options, clock })
    : new BoardAdapter(queues[name], options);
  if (name === 'gate') {
    adapter.setFormatter('name', (job) => titleOfRequest(job, clock.now()));
    adapter.setFormatter('progress', (progress) => showProgress(progress, clock.now()));
  }
  return adapter;
}

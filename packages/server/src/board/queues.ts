import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { QUEUE_NAMES, type QueueName } from '@spica/queues';
import type { ServerPool } from '../pool.ts';
import { titleOfRequest } from './title.ts';

/** Between pool and queue in the board's names; no pool's name has one. */
const DELIMITER = '.';

const DESCRIPTIONS: Readonly<Record<QueueName, string>> = {
  gate: 'Requests: admitted, held or rejected. Each one’s children are its spawns and prunes',
  spawn: 'Clones of templates, and the snapshots that they are made from',
  prune: 'Deletions: by schedule, by operators, and to make room for a request',
  sample: 'Measurements of instances',
};

/** The board's view of every queue of every pool, as `pool.queue`: the pools' queues have the same four names. */
export function adaptQueues(pools: readonly ServerPool[]): BullMQAdapter[] {
  return pools.flatMap((pool) => QUEUE_NAMES.map((name) => adapt(pool, name)));
}

function adapt({ policy, queues }: ServerPool, name: QueueName): BullMQAdapter {
  const adapter = new BullMQAdapter(queues[name], {
    prefix: `${policy.name}${DELIMITER}`,
    delimiter: DELIMITER,
    description: DESCRIPTIONS[name],
    readOnlyMode: true,
  });
  if (name === 'gate') adapter.setFormatter('name', titleOfRequest);
  return adapter;
}

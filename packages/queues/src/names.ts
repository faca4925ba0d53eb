import { createHash, randomBytes } from 'node:crypto';

/** The queues of a pool, in the order in which a request meets them. */
export const QUEUE_NAMES = ['gate', 'spawn', 'prune', 'sample'] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

/** BullMQ's key prefix of a pool. The braces put all of a pool's keys into one Redis Cluster slot. */
export function prefixOf(pool: string): string {
  return `{spica:${pool}}`;
}

/** A new request's id. With an idempotency key, the same key always gives the same id. Job ids hold no `:`. */
export function requestIdOf(key: string | null): string {
  return key === null
    ? `req-${randomBytes(6).toString('hex')}`
    : `key-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
}

/** Ids of a request's children: fixed, so that a step that runs twice adds nothing twice. */
export const childIds = {
  prepare: (request: string, round: number) => `${request}-prepare-${round}`,
  reclaim: (request: string, round: number) => `${request}-prune-${round}`,
  spawn: (request: string, index: number) => `${request}-spawn-${index}`,
  undo: (request: string) => `${request}-undo`,
};

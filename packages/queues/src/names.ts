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

/** A new life of a request: one that is submitted again after its jobs were forgotten lives anew. */
export function newLife(): string {
  return randomBytes(4).toString('hex');
}

/** Which children of a request are meant: those of one life of it, in the given round. */
export interface Round {
  readonly request: string;
  readonly life: string;
  readonly round: number;
}

/**
 * Ids of a request's children: fixed, so that a step that runs twice adds nothing twice, and never those of another
 * life or round, whose jobs may still be known.
 */
export const childIds = {
  prepare: (of: Round) => `${prefixOfRound(of)}-prepare`,
  prune: (of: Round) => `${prefixOfRound(of)}-prune`,
  undo: (of: Round) => `${prefixOfRound(of)}-undo`,
  spawn: (of: Round, index: number) => `${prefixOfRound(of)}-spawn-${index}`,
};

function prefixOfRound({ request, life, round }: Round): string {
  return `${request}-${life}-${round}`;
}

import * as z from 'zod';
import { instanceIdSchema } from './ids.ts';

/*
 * What a client asks lists for: as a transport takes it, and as it stands in a URL.
 */

/** Most of a list that one answer has. */
export const MOST_LISTED = 1_000;

const limit = (most: number) => {
  const error = `expected a whole number from 1 to ${most}`;
  return z.coerce.number(error).int(error).min(1, error).max(most, error);
};
const cursor = z.string().max(1_000);

export const STATES = ['in-flight', 'ready', 'deleting'] as const;
export const SORTS = ['spawned', 'age', 'score', 'size', 'id', 'experiment', 'template', 'lease'] as const;

/** Most instances that one query names: so many fit into a URL. */
export const MOST_NAMED = 500;

const atLeast0 = z.coerce.number().int().min(0);

/** Which instances: all that is given must hold. */
export const instanceFilterSchema = z.strictObject({
  /** Just these. */
  ids: z.array(instanceIdSchema).max(MOST_NAMED).optional(),
  /** Stands in the id, experiment, template, submitter, labels or lease's owner, in any case. */
  q: z.string().max(200).optional(),
  experiment: z.string().optional(),
  template: z.string().optional(),
  state: z.enum(STATES).optional(),
  /** All of these, with these values. */
  labels: z.record(z.string(), z.string()).default({}),
  /** Who submitted its request. */
  by: z.string().optional(),
  /** `held`: a lease is in force. */
  lease: z.enum(['held', 'none']).optional(),
  pin: z.enum(['pinned', 'none']).optional(),
  /** `goes`: the next prune would delete it. `keeps`: a rule, or being within the limits, keeps it. */
  rule: z.enum(['keeps', 'goes']).optional(),
  /** A plan has found work in it that would be lost. */
  unsaved: z.literal('yes').optional(),
  /** Of its own, as measured last. */
  minBytes: atLeast0.optional(),
});
export type InstanceFilter = z.input<typeof instanceFilterSchema>;

export const listQuerySchema = instanceFilterSchema.extend({
  /**
   * `spawned`: oldest first. `age`: youngest first. `score`: highest first. `size`: largest first. `lease`: whose last lease
   * ends, or ended, soonest first. What has none of it comes last.
   */
  sort: z.enum(SORTS).default('spawned'),
  /** By default as `sort` says. */
  order: z.enum(['asc', 'desc']).optional(),
  limit: limit(MOST_LISTED).default(100),
  /** `next` of the part before. */
  cursor: cursor.optional(),
  /** So many are passed over; in place of a cursor. */
  offset: atLeast0.optional(),
});
export type ListQuery = z.input<typeof listQuerySchema>;

/**
 * GET /v1/instances: `label=NAME=VALUE`, as often as there are labels; `ids` with commas between them. The output is what a
 * transport takes.
 */
export const instancesQuerySchema = listQuerySchema
  .omit({ labels: true })
  .extend({
    label: z.union([z.string(), z.array(z.string())]).optional(),
    /** Just these, with commas between them. */
    ids: z.string().optional(),
  })
  .transform(({ label, ids, ...rest }, context) => {
    const labels: [string, string][] = [label ?? []].flat().map((text) => {
      const at = text.indexOf('=');
      // Nor the name that an object cannot have: a filter must not fall away.
      if (at < 1 || text.startsWith('__proto__=')) {
        context.addIssue({
          code: 'custom',
          path: ['label'],
          message: 'expected NAME=VALUE',
          input: text,
        });
      }
      return [text.slice(0, at), text.slice(at + 1)];
    });
    const named = ids === undefined ? {} : { ids: ids.split(',') };
    return { ...rest, ...named, labels: Object.fromEntries(labels) };
  });

/** GET /v1/oversize: of the pool, or of one request. */
export const oversizeQuerySchema = z.strictObject({ request: z.string().max(80).optional() });

export const REQUEST_STATES = ['waiting', 'held', 'spawning', 'completed', 'failed'] as const;

/**
 * GET /v1/requests, newest first. `waiting`: the gate has not looked at it yet. `held`: it has, and it is not admitted.
 * `failed`: rejected, failed or cancelled.
 */
export const requestsQuerySchema = z.strictObject({
  state: z.enum(REQUEST_STATES).optional(),
  limit: limit(MOST_LISTED).default(50),
  cursor: cursor.optional(),
});
export type RequestsQuery = z.input<typeof requestsQuerySchema>;

/** Largest record of a tournament: as JSON, in bytes. */
export const MOST_RECORD_BYTES = 16_000_000;

/** GET /v1/tournaments, newest first; `cursor` is the `next` of the part before. */
export const tournamentsQuerySchema = z.strictObject({
  limit: limit(MOST_LISTED).default(50),
  cursor: cursor.optional(),
});
export type TournamentsQuery = z.input<typeof tournamentsQuerySchema>;

/** Most that is said of a time or a name in a filter. */
const word = z.string().min(1).max(200);
const time = z.iso.datetime({ offset: true, error: 'expected a time like 2026-11-29T14:00:00Z' });
const seq = z.coerce.number().int().min(0);

/**
 * GET /v1/audit: the newest `limit` entries; with `after` (a `seq`) the first ones after it, with `before` the last ones
 * before it; oldest first. The others narrow them down.
 */
export const auditQuerySchema = z.strictObject({
  limit: limit(MOST_LISTED).default(100),
  after: seq.optional(),
  before: seq.optional(),
  /** `delete_instance`, … */
  action: word.optional(),
  /** As it is there, or how it begins: `failed`, `skipped`. */
  outcome: word.optional(),
  instance: word.optional(),
  request: word.optional(),
  /** Whoever asked for it: the name of a token, or `user@host`. */
  by: word.optional(),
  /** Not before, and not after, ISO-8601. */
  since: time.optional(),
  until: time.optional(),
});
export type AuditQuery = z.input<typeof auditQuerySchema>;

/** How far a pool's history reaches back. */
export const MOST_HISTORY_HOURS = 720;
const hoursError = `expected a number from 1 to ${MOST_HISTORY_HOURS}`;

/** GET /v1/pools/{name}/history: so many hours of it. */
export const historyQuerySchema = z.strictObject({
  hours: z.coerce.number(hoursError).min(1, hoursError).max(MOST_HISTORY_HOURS, hoursError).default(24),
});
export type HistoryQuery = z.input<typeof historyQuerySchema>;

const MOST_LEAVES = 2_000;

/** GET /v1/pools/{name}/space: of so many instances, the largest; the others are one rest. */
export const spaceQuerySchema = z.strictObject({ leaves: limit(MOST_LEAVES).default(400) });
export type SpaceQuery = z.input<typeof spaceQuerySchema>;

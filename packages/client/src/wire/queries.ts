import * as z from 'zod';

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
export const SORTS = ['spawned', 'score', 'size'] as const;

export const listQuerySchema = z.strictObject({
  experiment: z.string().optional(),
  template: z.string().optional(),
  state: z.enum(STATES).optional(),
  /** All of these, with these values. */
  labels: z.record(z.string(), z.string()).default({}),
  /** `spawned`: oldest first. `score`: highest first, those without one last. `size`: largest first. */
  sort: z.enum(SORTS).default('spawned'),
  limit: limit(MOST_LISTED).default(100),
  /** `next` of the part before. */
  cursor: cursor.optional(),
});
export type ListQuery = z.input<typeof listQuerySchema>;

/** GET /v1/instances: `label=NAME=VALUE`, as often as there are labels. The output is what a transport takes. */
export const instancesQuerySchema = listQuerySchema
  .omit({ labels: true })
  .extend({ label: z.union([z.string(), z.array(z.string())]).optional() })
  .transform(({ label, ...rest }, context) => {
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
    return { ...rest, labels: Object.fromEntries(labels) };
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

/** GET /v1/audit: the newest `limit` entries, or with `after` (a `seq`) the first ones after it; oldest first. */
export const auditQuerySchema = z.strictObject({
  limit: limit(MOST_LISTED).default(100),
  after: z.coerce.number().int().min(0).optional(),
});
export type AuditQuery = z.input<typeof auditQuerySchema>;

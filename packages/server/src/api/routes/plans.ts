import { executionBodySchema, planOrWhatIfSchema, preflightBodySchema } from '@spica/client/wire';
import { UsageError } from '@spica/core';
import * as z from 'zod';
import { Answer, type Route, route } from '../route.ts';

const going = z.object({ id: z.string(), reason: z.string(), bytes: z.number().nullable() });
const named = z.object({ id: z.string(), reason: z.string() });

const preview = z.looseObject({
  prepared: z.boolean(),
  trouble: z.object({ code: z.string(), reason: z.string() }).nullable(),
  waitsFor: z.string().nullable(),
  afterPruning: z.object({ instances: z.array(going), trash: z.array(going) }).nullable(),
});
const pruned = z.looseObject({
  pruned: z.array(going),
  kept: z.number(),
  skipped: z.array(named),
  failed: z.array(named),
  reclaimedBytes: z.number(),
  trashedBytes: z.number(),
  sentence: z.string(),
});
const tally = z.object({ rule: z.string(), count: z.number(), bytes: z.number(), sentence: z.string() });
const item = z.looseObject({
  id: z.string(),
  action: z.enum(['keep', 'delete']),
  rule: z.string(),
  reason: z.string(),
  bytes: z.number().nullable(),
});
const plan = pruned.extend({
  digest: z.string(),
  items: z.array(item),
  keptBy: z.array(tally),
  deletedBy: z.array(tally),
  policy: z.string(),
});
const whatIf = plan.extend({
  digest: z.null(),
  sufficient: z.boolean(),
  availableBytes: z.number(),
  floorBytes: z.number(),
});

const DIGEST = /^[A-Za-z0-9:_-]{1,200}$/;

/** What the gate would decide, and what retention would delete: shown first, then carried out exactly. */
export const planRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/v1/preflight',
    role: 'viewer',
    ofPool: true,
    summary: 'What the gate would do with a request as things stand',
    description: 'Changes nothing.',
    body: preflightBodySchema,
    answers: { 200: ['The decision, with its sum and sentence', preview] },
    handle: async ({ pool, body, hide, signal }) => hide(await pool.preflight(body, { signal })),
  }),
  route({
    method: 'POST',
    path: '/v1/plans',
    role: 'operator',
    ofPool: true,
    summary: 'Plan a prune: what would be deleted now, and why',
    description:
      'Deletes nothing. With `ids` it deletes just these, whatever the limits say, but for what is leased, pinned, in use or ' +
      'has unsaved work. The plan is sealed under its digest for an hour, so that exactly it can be carried out. With `whatIf` ' +
      'it is made under other limits of the policy, and not sealed: its `digest` is null.',
    body: planOrWhatIfSchema,
    answers: { 201: ['The plan', plan], 200: ['What would be, with `whatIf`', whatIf] },
    handle: async ({ pool, body: { whatIf: limits, ...body }, signal }) => {
      if (limits !== null) return pool.whatIf(limits, { signal });
      const made = await pool.plan(body, { signal });
      return new Answer(201, made, { location: `/v1/plans/${made.digest}` });
    },
  }),
  route({
    method: 'POST',
    path: '/v1/plans/{digest}/execution',
    role: 'operator',
    ofPool: true,
    summary: 'Carry out exactly a plan that was sealed within the last hour',
    description: 'Each item is checked again: what changed since is skipped, with its reason.',
    body: executionBodySchema,
    answers: { 200: ['What was done', pruned] },
    handle: ({ pool, id, body: { reason }, caller, signal }) => {
      if (!DIGEST.test(id))
        throw new UsageError('PLAN_UNKNOWN', `digest: no plan "${id.slice(0, 80)}" is known`);
      return pool.execute(id, { by: caller.name, signal, ...(reason !== null && { reason }) });
    },
  }),
];

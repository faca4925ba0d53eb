import { isInstanceId } from '@spica/core';
import * as z from 'zod';
import { chosenIds } from './prune.ts';

const text = z.string().nullable();

/**
 * What only whoever serves a pool can tell, as it takes the pool's disk or config: an `ask` of the sample queue. None of
 * them changes anything, but for the list of sealed plans.
 */
export const askSchema = z.union([
  /** What the gate would do with such a request: a `Preview`. */
  z.strictObject({
    preflight: z.strictObject({
      template: z.string().min(1),
      count: z.int().min(1),
      experiment: z.string().nullable(),
      replicas: z
        .strictObject({
          epochs: z.int().min(1),
          slicesPerEpoch: z.int().min(1),
          replicasPerSlice: z.int().min(1),
        })
        .nullable(),
    }),
  }),
  /** What a prune would do now, under these limits (null: the pool's), or with just these instances: a `PrunePlan`. */
  z.strictObject({
    plan: z.strictObject({
      maxInstances: z.int().min(0).nullable(),
      maxAgeMs: z.number().min(0).nullable(),
      ids: chosenIds.optional(),
    }),
  }),
  /** What it would do under other limits, by what is known without a look at repositories: a `WhatIfPlan`. */
  z.strictObject({
    whatIf: z.strictObject({
      maxInstances: z.int().min(0).nullable(),
      maxAgeMs: z.number().min(0).nullable(),
      keepBest: z.int().min(0).nullable(),
      minFreeBytes: z.number().min(0).nullable(),
    }),
  }),
  /** Whether an instance's lineage is what its manifest says: a `LineageVerdict`. */
  z.strictObject({
    verify: z.strictObject({
      id: z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab'),
    }),
  }),
  /**
   * Entries of the pool's audit log, oldest first: the last ones, those before the number `before`, or the first ones after
   * the number `after`; of these only what the filter asks for. Times are epoch milliseconds. An `AuditPage`.
   */
  z.strictObject({
    audit: z.strictObject({
      limit: z.int().min(1).max(1_000),
      after: z.int().min(0).nullable(),
      before: z.int().min(0).nullable(),
      filter: z.strictObject({
        action: text,
        outcome: text,
        instance: text,
        request: text,
        by: text,
        since: z.number().nullable(),
        until: z.number().nullable(),
      }),
    }),
  }),
]);
export type Ask = z.infer<typeof askSchema>;

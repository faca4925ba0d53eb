import { isInstanceId } from '@spica/core';
import * as z from 'zod';
import { chosenIds } from './prune.ts';

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
  /** Whether an instance's lineage is what its manifest says: a `LineageVerdict`. */
  z.strictObject({
    verify: z.strictObject({
      id: z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab'),
    }),
  }),
  /** The pool's last entries of the audit log, or the first ones after the number `after`; oldest first: `AuditRecord[]`. */
  z.strictObject({
    audit: z.strictObject({ limit: z.int().min(1).max(1_000), after: z.int().min(0).nullable() }),
  }),
]);
export type Ask = z.infer<typeof askSchema>;

import { isInstanceId } from '@spica/core';
import * as z from 'zod';

const instanceId = z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab');

/**
 * A job of the sample queue: measure these instances, or (null) those that are due; or raise the cap of one, which its
 * size is compared with.
 */
export const samplePayloadSchema = z.union([
  z.strictObject({ pool: z.string().min(1), ids: z.array(instanceId).nullable() }),
  z.strictObject({
    pool: z.string().min(1),
    grow: z.strictObject({ id: instanceId, capBytes: z.int().min(1) }),
  }),
]);
export type SamplePayload = z.infer<typeof samplePayloadSchema>;

export interface SampleResult {
  readonly measured: readonly string[];
  /** Asked for, but not there (any more). */
  readonly vanished: readonly string[];
}

import { isInstanceId } from '@spica/core';
import * as z from 'zod';

/** A job of the sample queue: measure these instances, or (null) those that are due. */
export const samplePayloadSchema = z.strictObject({
  pool: z.string().min(1),
  ids: z.array(z.string().refine(isInstanceId, 'expected an instance id like spica-0123456789ab')).nullable(),
});
export type SamplePayload = z.infer<typeof samplePayloadSchema>;

export interface SampleResult {
  readonly measured: readonly string[];
  /** Asked for, but not there (any more). */
  readonly vanished: readonly string[];
}

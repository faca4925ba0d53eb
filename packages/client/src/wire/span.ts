import { durationExpected, MAX_DURATION_MS, parseDuration } from '@spica/core';
import * as z from 'zod';

/** A span of time: milliseconds, or a text like `30s`, `10m`, `1h30m`. In the output, milliseconds. */
export const span = z
  .union([z.int().min(0).max(MAX_DURATION_MS), z.string()])
  .refine((value) => typeof value === 'number' || parseDuration(value) !== null, {
    error: ({ input }) => durationExpected(input),
  })
  .transform((value) => (typeof value === 'number' ? value : (parseDuration(value) ?? 0)));

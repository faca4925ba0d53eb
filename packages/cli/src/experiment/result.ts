import * as z from 'zod';

/** How one run of the command in an instance came out. */
export const runResultSchema = z.strictObject({
  /** Counts the runs of an experiment, from 0. */
  index: z.int().min(0),
  generation: z.int().min(0),
  replica: z.int().min(0),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).readonly(),
  /** Null where none came up. */
  instance: z.string().nullable(),
  path: z.string().nullable(),
  outcome: z.enum(['done', 'failed', 'stopped', 'skipped']),
  /** The command has run to its end, or its time was over: it is not run again. */
  final: z.boolean(),
  /** The command's; null where it did not run. */
  exitCode: z.int().nullable(),
  reason: z.string().nullable(),
  score: z.number().nullable(),
  /** Files collected. */
  collected: z.int(),
  /** It stays, pinned, when all is over. */
  kept: z.boolean(),
  ms: z.number(),
});
export type RunResult = Readonly<z.output<typeof runResultSchema>>;

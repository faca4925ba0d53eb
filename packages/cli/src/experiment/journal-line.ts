import { UsageError } from '@spica/core';
import * as z from 'zod';
import { runResultSchema } from './result.ts';

/** The first line of a journal. */
export const beginSchema = z.strictObject({
  event: z.literal('begin'),
  at: z.string(),
  schema: z.literal('spica.run/v1'),
  /** Names the experiment in the keys of its requests. */
  sweep: z.string().regex(/^[0-9a-f]{32}$/),
  /** What the tokens of its leases are made from. */
  secret: z.string().regex(/^[0-9a-f]{32}$/),
  /** SHA-256, hex, of what it does. */
  digest: z.string(),
  command: z.array(z.string()),
});

const index = z.int().min(0);
const attempt = z.int().min(0);
const stamped = { at: z.string(), index, attempt };
/** Each line after it. */
export const entrySchema = z.discriminatedUnion('event', [
  /** A request is about to be submitted under the attempt's key. */
  z.strictObject({ event: z.literal('submit'), ...stamped }),
  /** The command is about to be started. */
  z.strictObject({ event: z.literal('start'), ...stamped, instance: z.string() }),
  z.strictObject({ event: z.literal('result'), ...stamped, result: runResultSchema }),
  /** Its instance was pinned, or let go. */
  z.strictObject({ event: z.literal('decided'), ...stamped, kept: z.boolean() }),
  z.strictObject({
    event: z.literal('generation'),
    at: z.string(),
    generation: z.int().min(1),
    parent: z.string(),
    candidates: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  }),
]);
export type Entry = z.output<typeof entrySchema>;
export type Begin = z.output<typeof beginSchema>;

/** Throws UsageError RESUME_INVALID that names the line. */
export function parseLine<T>(schema: z.ZodType<T>, path: string, line: number, text: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `--resume: ${path}: line ${line} is none that \`spica run\` wrote; name a file that is not there to begin anew`;
    throw new UsageError('RESUME_INVALID', message, { path, line }, cause);
  }
}

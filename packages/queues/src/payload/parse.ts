import { UsageError } from '@spica/core';
import type * as z from 'zod';

/**
 * Checks a payload against its schema, where it is produced and again where it is consumed (Redis is open to others).
 * Throws UsageError PAYLOAD_INVALID that names the queue, each wrong field, its value and what was expected.
 */
export function parsePayload<T>(schema: z.ZodType<T>, data: unknown, where: string): T {
  const result = schema.safeParse(data, { reportInput: true });
  if (result.success) return result.data;
  const found = result.error.issues.flatMap(fieldsOf);
  const issues = found.map(({ path, what }) => `${path.join('.') || '(payload)'}: ${what}`);
  const field = found[0]?.path.join('.') ?? '';
  const details = { where, issues, ...(field ? { field } : {}) };
  throw new UsageError('PAYLOAD_INVALID', `${where}: ${issues.join('; ')}`, details);
}

/** A key that is not known is a field of its own, whose value tells nothing. */
function fieldsOf(issue: z.core.$ZodIssue): { path: PropertyKey[]; what: string }[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...issue.path, key], what: 'unknown key' }));
  return [{ path: issue.path, what: `${issue.message}${quoted(issue.input)}` }];
}

function quoted(input: unknown): string {
  if (input === undefined) return '';
  const text = JSON.stringify(input);
  return `, got ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
}

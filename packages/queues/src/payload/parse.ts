import { UsageError } from '@spica/core';
import type * as z from 'zod';

/**
 * Checks a payload against its schema, where it is produced and again where it is consumed (Redis is open to others).
 * Throws UsageError PAYLOAD_INVALID that names the queue, each wrong field, its value and what was expected.
 */
export function parsePayload<T>(schema: z.ZodType<T>, data: unknown, where: string): T {
  const result = schema.safeParse(data, { reportInput: true });
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const path = issue.path.join('.') || '(payload)';
    return `${path}: ${issue.message}${quoted(issue.input)}`;
  });
  const field = result.error.issues[0]?.path.join('.') ?? '';
  const details = { where, issues, ...(field ? { field } : {}) };
  throw new UsageError('PAYLOAD_INVALID', `${where}: ${issues.join('; ')}`, details);
}

function quoted(input: unknown): string {
  if (input === undefined) return '';
  const text = JSON.stringify(input);
  return `, got ${text.length > 80 ? `${text.slice(0, 80)}…` : text}`;
}

import { toKnownError } from '@spica/core';

/** A failure for the audit log: its code and message. */
export function failureText(error: unknown): string {
  const known = toKnownError(error);
  return known ? `${known.code}: ${known.message}` : String(error);
}

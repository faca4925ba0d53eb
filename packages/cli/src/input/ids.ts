import { isInstanceId, UsageError } from '@spica/core';

/** Throws UsageError ID_INVALID for a text that cannot be an instance's id. */
export function parseInstanceId(field: string, text: string): string {
  if (isInstanceId(text)) return text;
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  throw new UsageError(
    'ID_INVALID',
    `${field}: expected an instance id like spica-0123456789ab, got "${shown}"`,
  );
}

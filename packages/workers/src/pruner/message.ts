import { SpicaError } from '@spica/core';

/** A failure for the audit log: its code and message. */
export function messageOf(error: unknown): string {
  return error instanceof SpicaError ? `${error.code}: ${error.message}` : String(error);
}

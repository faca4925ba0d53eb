import { SpicaError, UnreachableError } from '@spica/core';
import { toUnreachable } from '@spica/queues';
import type { Connection } from './connection.ts';

/** Whether Redis, or the pool's worker, was out of reach: either may be back at the next look. */
export function isAway(error: unknown, { where }: Pick<Connection, 'where'>): boolean {
  if (error instanceof SpicaError) return error instanceof UnreachableError;
  return toUnreachable(error, where) !== null;
}

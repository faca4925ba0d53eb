import { CheckError, isoTime } from '@spica/core';

/** No such instance (any more). */
export function instanceUnknown(id: string, pool: string): CheckError {
  return new CheckError('INSTANCE_UNKNOWN', `id: no instance ${id} in pool ${pool}`);
}

/** A deletion has begun: it came first. */
export function beingDeleted(id: string): CheckError {
  return new CheckError('INSTANCE_DELETING', `instance ${id} is being deleted`);
}

/** Somebody else's lease is in force; `expiresAt` in epoch milliseconds. */
export function leasedBy(
  id: string,
  { owner, expiresAt }: { readonly owner: string; readonly expiresAt: number },
): CheckError {
  return new CheckError(
    'INSTANCE_LEASED',
    `instance ${id} is leased by ${owner} until ${isoTime(expiresAt)}`,
  );
}

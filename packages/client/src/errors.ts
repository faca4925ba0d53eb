import { CheckError, isoTime } from '@spica/core';

/**
 * A lease is over though its holder did not release it: it ran out while it could not be renewed, somebody took it by
 * force, or its instance is gone. Whatever worked in the instance has to stop. `code` says which: LEASE_EXPIRED,
 * LEASE_TAKEN, LEASE_REFUSED (the instance is too large, and by `on_oversize` its lease is not renewed), INSTANCE_GONE.
 */
export class LeaseLostError extends CheckError {
  /** Id of the instance. */
  readonly instance: string;

  constructor(code: string, instance: string, message: string, cause?: unknown) {
    super(code, `lease on ${instance}: ${message}`, { instance }, cause);
    this.instance = instance;
  }
}

/** No such instance, any more or at all; or its deletion has begun. `code`: INSTANCE_UNKNOWN, INSTANCE_DELETING. */
export class InstanceGoneError extends CheckError {}

export function instanceUnknown(id: string, pool: string): InstanceGoneError {
  return new InstanceGoneError('INSTANCE_UNKNOWN', `id: no instance ${id} in pool ${pool}`);
}

export function instanceDeleting(id: string): InstanceGoneError {
  return new InstanceGoneError('INSTANCE_DELETING', `instance ${id} is being deleted`);
}

/** Somebody else's lease is in force, until `expiresAt` (epoch milliseconds). */
export function leasedBy(id: string, { owner, expiresAt }: { owner: string; expiresAt: number }): CheckError {
  return new CheckError(
    'INSTANCE_LEASED',
    `instance ${id} is leased by ${owner} until ${isoTime(expiresAt)}`,
  );
}

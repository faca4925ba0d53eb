import { CheckError, type ErrorDetails, isoTime } from '@spica/core';

/**
 * A lease is over though its holder did not release it: it ran out while it could not be renewed, somebody took it by
 * force, or its instance is gone. Whatever worked in the instance has to stop. `code` says which: LEASE_EXPIRED,
 * LEASE_TAKEN, LEASE_REFUSED (the instance is too large, and by `on_oversize` its lease is not renewed), INSTANCE_GONE.
 */
export class LeaseLostError extends CheckError {
  /** Id of the instance. */
  readonly instance: string;

  constructor(code: string, message: string, details: ErrorDetails & { instance: string }, cause?: unknown) {
    super(code, message, details, cause);
    this.instance = details.instance;
  }
}

/**
 * No such instance, any more or at all; or its deletion has begun. `code`: INSTANCE_UNKNOWN, INSTANCE_GONE (it was there:
 * `details.audit` is the audit log's record of its end, who, when and by which rule, where that is known),
 * INSTANCE_DELETING.
 */
export class InstanceGoneError extends CheckError {}

export function leaseLost(code: string, instance: string, why: string, cause?: unknown): LeaseLostError {
  return new LeaseLostError(code, `lease on ${instance}: ${why}`, { instance }, cause);
}

export function instanceUnknown(id: string, pool: string): InstanceGoneError {
  return new InstanceGoneError('INSTANCE_UNKNOWN', `id: no instance ${id} in pool ${pool}`, { field: 'id' });
}

/** @param audit The audit log's record of its end. */
export function instanceDeleted(
  id: string,
  audit: { readonly timestamp: string; readonly reason: string | null },
): InstanceGoneError {
  const message = `instance ${id} is gone: deleted at ${audit.timestamp} (${audit.reason ?? 'no reason was noted'})`;
  return new InstanceGoneError('INSTANCE_GONE', message, { audit });
}

export function instanceDeleting(id: string): InstanceGoneError {
  return new InstanceGoneError('INSTANCE_DELETING', `instance ${id} is being deleted`);
}

/** Somebody else's lease is in force, until `expiresAt` (epoch milliseconds). */
export function leasedBy(id: string, { owner, expiresAt }: { owner: string; expiresAt: number }): CheckError {
  const until = isoTime(expiresAt);
  const details = { owner, expiresAt: until };
  return new CheckError('INSTANCE_LEASED', `instance ${id} is leased by ${owner} until ${until}`, details);
}

export function requestUnknown(id: string, pool: string): CheckError {
  const shown = id.length > 80 ? `${id.slice(0, 80)}…` : id;
  return new CheckError(
    'REQUEST_UNKNOWN',
    `id: no instance or request "${shown}" is known in pool ${pool} (any more)`,
    { field: 'id' },
  );
}

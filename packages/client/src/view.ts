import type { CatalogInstance } from '@spica/catalog';
import { isoTime, ownBytes } from '@spica/core';

/** What is known of an instance, as JSON: `spica ls --json` prints the same. Times are ISO-8601 UTC. */
export interface InstanceView {
  readonly id: string;
  readonly pool: string;
  readonly request: string | null;
  readonly index: number | null;
  readonly template: string;
  readonly templateVersion: string;
  readonly fingerprint: string | null;
  readonly cloneMethod: 'copy' | 'reflink' | 'snapshot' | null;
  readonly cloned: Size | null;
  readonly predicted: Size | null;
  readonly expected: Size | null;
  readonly replicas: number;
  readonly parent: string | null;
  readonly generation: number;
  readonly experiment: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly ttlMs: number | null;
  readonly score: number | null;
  readonly oversize: 'end_lease' | 'warn' | null;
  readonly state: 'deleting' | 'in-flight' | 'ready';
  readonly inFlightFor: string | null;
  readonly spawnedAt: string | null;
  readonly clonedAt: string | null;
  readonly sample: {
    readonly allocatedBytes: number;
    readonly apparentBytes: number;
    readonly inodes: number;
    readonly ownBytes: number;
    readonly incomplete?: boolean | undefined;
    readonly at: string | null;
    readonly changedAt: string | null;
  } | null;
  readonly ownBytes: number | null;
  readonly lease: {
    readonly owner: string;
    readonly expiresAt: string | null;
    readonly inForce: boolean;
  } | null;
  readonly lastLeasedAt: string | null;
  readonly pin: { readonly by: string; readonly why: string; readonly at: string | null } | null;
}

interface Size {
  readonly bytes: number;
  readonly inodes: number;
}

/**
 * An instance for whoever looks at it. A lease's token hash stays inside: nobody has a use for it.
 *
 * @internal
 * @param now Epoch milliseconds, by which leases are judged.
 */
export function toInstanceView({ record, state, request }: CatalogInstance, now: number): InstanceView {
  const { schema: _, spawnedAt, sample, lease, lastLeasedAt, pin, clonedAt, ...rest } = record;
  return {
    ...rest,
    state,
    inFlightFor: request,
    spawnedAt: toIso(spawnedAt),
    clonedAt: toIso(clonedAt),
    sample: sample && { ...sample, at: toIso(sample.at), changedAt: toIso(sample.changedAt) },
    ownBytes: ownBytes(record),
    lease: lease && {
      owner: lease.owner,
      expiresAt: toIso(lease.expiresAt),
      inForce: lease.expiresAt > now,
    },
    lastLeasedAt: toIso(lastLeasedAt),
    pin: pin && { ...pin, at: toIso(pin.at) },
  };
}

function toIso(at: number | null): string | null {
  return at === null ? null : isoTime(at);
}

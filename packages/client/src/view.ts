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

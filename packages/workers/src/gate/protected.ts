import type { InstanceRecord } from '@spica/core';

/** Counts a pool's leases and pins without reading all of its instances: each is noted when its record is known anew. */
export class ProtectedCount {
  readonly #leasedUntil = new Map<string, number>();
  readonly #pinned = new Set<string>();

  /** The instance has this lease and pin from now on. */
  note({ id, lease, pin }: Pick<InstanceRecord, 'id' | 'lease' | 'pin'>): void {
    if (lease) this.#leasedUntil.set(id, lease.expiresAt);
    else this.#leasedUntil.delete(id);
    if (pin) this.#pinned.add(id);
    else this.#pinned.delete(id);
  }

  /** The instance is gone. */
  forget(id: string): void {
    this.#leasedUntil.delete(id);
    this.#pinned.delete(id);
  }

  /** How many leases are in force at `now` (epoch milliseconds), and how many pins. */
  counts(now: number): { readonly leases: number; readonly pins: number } {
    for (const [id, until] of this.#leasedUntil) if (until <= now) this.#leasedUntil.delete(id);
    return { leases: this.#leasedUntil.size, pins: this.#pinned.size };
  }
}

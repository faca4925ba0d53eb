/** The catalog's keys of a pool. The braces put them, and the pool's queues, into one Redis Cluster slot. */
export function keysOf(pool: string) {
  const base = `{spica:${pool}}:catalog`;
  return {
    /** Hash: the pool's id and how it clones. */
    identity: `${base}:identity`,
    /** Hash: when the disk was last reconciled, and until when nothing may be deleted (both epoch milliseconds). */
    reconciled: `${base}:reconciled`,
    /** Hash: sums of all reservations (bytes, inodes, slots), of growth, and of all that was ever settled. */
    totals: `${base}:totals`,
    /** Hash: request → reservation. */
    reservations: `${base}:reservations`,
    /** Sorted set: id by spawnedAt. */
    instances: `${base}:instances`,
    /** Hash: id → request that has not ended yet. */
    inFlight: `${base}:in-flight`,
    /** Hash: request → why and since when it is held. */
    held: `${base}:held`,
    /** Sorted set: id by when its growth ends. */
    growth: `${base}:growth`,
    /** Set: ids whose record on disk is older than the catalog. */
    dirty: `${base}:dirty`,
    /** Set: ids of instances with a life of their own. */
    ttls: `${base}:ttls`,
    /** List: what operators forced, as audit entries for the worker to write. */
    notes: `${base}:notes`,
    /** String: what was known of an instance that vanished from the disk. */
    tombstone: (id: string) => `${base}:tombstone:${id}`,
    /** String: a request is not wanted any more. */
    cancelled: (request: string) => `${base}:cancelled:${request}`,
    /** String: a sealed plan and when it was made. */
    plan: (digest: string) => `${base}:plan:${digest}`,
    /** Hash: what is agreed about the clocks. */
    clock: `${base}:clock`,
    /** Channel: something changed that the worker should look at (an instance's id, or `space`). */
    changed: `${base}:changed`,
    /** Hash: record, sample, leaseOwner, leaseHash, leaseUntil, lastLeasedAt, pin, ttl, score, growth…, deleting. */
    instance: (id: string) => `${base}:instance:${id}`,
    /**
     * What instances became: a hash by id, a sorted set by when, and what the whole says. `of` is `template:…`,
     * `experiment:…` or `replica:…`. An experiment's are gone 90 days after its last instance finished.
     */
    sizes: (of: string) => ({
      finished: `${base}:finished:${of}`,
      ages: `${base}:finished-at:${of}`,
      profile: `${base}:profile:${of}`,
    }),
    /** Sorted set: id by when it is to be measured next. */
    due: `${base}:due`,
    /** String: how the disk was used, over time. */
    history: `${base}:history`,
    /** String: the breaker, and what was spawned in the last hour. */
    gate: `${base}:gate`,
    /** Hash: the pressure on the disk as the worker last saw it. */
    pressure: `${base}:pressure`,
  };
}
export type Keys = ReturnType<typeof keysOf>;

/**
 * The catalog's keys of a pool. The braces put them, and the pool's queues, into one Redis Cluster slot. The operations
 * (ops/*.lua) are given `base`, and build the same names from it.
 */
export function keysOf(pool: string) {
  const base = `{spica:${pool}}:catalog`;
  return {
    base,
    /** Hash: the pool's id, how it clones, and where whoever serves it has it. */
    identity: `${base}:identity`,
    /** String: the process that serves the pool, for as long as it says so. */
    server: `${base}:server`,
    /** Hash: when the disk was last reconciled, and until when nothing may be deleted (both epoch milliseconds). */
    reconciled: `${base}:reconciled`,
    /** Counter: each change of a lease, pin or the like adds one. If it decreases, Redis has lost writes. */
    changes: `${base}:changes`,
    /** Sorted set: id by spawnedAt. */
    instances: `${base}:instances`,
    /** Stream: ids of instances that have changed, the last 20,000 changes or more: whoever knows them reads those alone anew. */
    touched: `${base}:touched`,
    /** Hash: id → request that has not ended yet. */
    inFlight: `${base}:in-flight`,
    /** Hash: record, sample, leaseOwner, leaseHash, leaseUntil, leaseSince, lastLeasedAt, releasedAt, pin, ttl, score, collect, sizes, deleting… */
    instance: (id: string) => `${base}:instance:${id}`,
    /** String: a request, in one life of it, is not wanted any more; or it has completed. */
    cancelled: (request: string, life: string) => `${base}:cancelled:${request}:${life}`,
    completed: (request: string, life: string) => `${base}:completed:${request}:${life}`,
    /** Set: ids whose record on disk is older than the catalog. */
    dirty: `${base}:dirty`,
    /** Set: ids of instances that may go before their turn: with a life of their own, or discarded. */
    early: `${base}:early`,
    /** Set: ids of instances whose results could not be collected when that was last tried. */
    uncollected: `${base}:uncollected`,
    /** Set: ids of instances that are larger than `max_instance_gb`, or at their cap. */
    oversize: `${base}:oversize`,
    /** Sorted set: ids of instances whose owners were told that they go, by when. */
    told: `${base}:told`,
    /** List: what operators forced, as audit entries for the worker to write. */
    notes: `${base}:notes`,
    /** String: what was known of an instance that vanished from the disk. */
    tombstone: (id: string) => `${base}:tombstone:${id}`,
    /** String: what the audit log says of the deletion of an instance. */
    gone: (id: string) => `${base}:gone:${id}`,
    /** String: a sealed plan and when it was made. */
    plan: (digest: string) => `${base}:plan:${digest}`,
    /**
     * Tournaments that are over: a sorted set by when, hashes by id of what lists show and of the whole record. The
     * operation keeps beside them how many bytes the records have.
     */
    tournaments: {
      ends: `${base}:tournaments`,
      heads: `${base}:tournament-heads`,
      records: `${base}:tournament-records`,
    },
    /** Hash: what is agreed about the clocks. */
    clock: `${base}:clock`,
    /** Channel: what changed that the worker should know of, and of which instance or request: `lease spica-…`. */
    changed: `${base}:changed`,
    /**
     * What instances became: a hash by id, a sorted set by when, and what the whole says. `of` is `template:…`,
     * `experiment:…` or `replica:…`. An experiment's are gone 90 days after its last instance finished. The operations
     * keep beside them the ids of those that an operator had forgotten.
     */
    sizes: (of: string) => ({
      finished: `${base}:finished:${of}`,
      profile: `${base}:profile:${of}`,
    }),
    /** Sorted set: of what there are profiles (`template:…`, `experiment:…`), by when an instance finished last. */
    profiled: `${base}:profiled`,
    /** Hash: what operators say that instances become, by whose they are (`template:…`, `experiment:…`). */
    setSizes: `${base}:set-sizes`,
    /** Sorted set: id by when it is to be measured next. */
    due: `${base}:due`,
    /** Sorted set: how the disk was used at a time, by when. */
    diskHistory: `${base}:disk-history`,
    /** String: what happened to the pool, as far as the audit log was read. */
    diskMarks: `${base}:disk-marks`,
    /** String: the pressure on the disk as the worker last saw it. */
    pressure: `${base}:pressure`,
    /** Hash: when what repeats was last done, by its name (epoch milliseconds). */
    schedules: `${base}:schedules`,
    /** Hash: the gate's `figures`, and the `line` of whom it holds, as the process that serves the pool published them. */
    published: `${base}:published`,
  };
}
export type Keys = ReturnType<typeof keysOf>;

/** What processes have reserved on one filesystem, by process: a hash that pools with different prefixes share. */
export function filesystemKey(filesystem: string): string {
  return `spica:filesystem:${filesystem}`;
}

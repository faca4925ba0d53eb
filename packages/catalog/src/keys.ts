/** The catalog's keys of a pool. The braces put them, and the pool's queues, into one Redis Cluster slot. */
export function keysOf(pool: string) {
  const base = `{spica:${pool}}:catalog`;
  return {
    /** Hash: the pool's id and how it clones. */
    identity: `${base}:identity`,
    /** Hash: sums of all reservations (bytes, inodes, slots) and of all that was ever taken out of them (settled…). */
    totals: `${base}:totals`,
    /** Hash: request → reservation. */
    reservations: `${base}:reservations`,
    /** Sorted set: id by spawnedAt. */
    instances: `${base}:instances`,
    /** Hash: id → request that has not ended yet. */
    inFlight: `${base}:in-flight`,
    /** Hash: request → why and since when it is held. */
    held: `${base}:held`,
    /** Hash: record, deleting. */
    instance: (id: string) => `${base}:instance:${id}`,
    /** Sorted sets by id: when measured, own bytes, inodes. */
    sizes: (template: string) => ({
      ages: `${base}:sizes:${template}:at`,
      bytes: `${base}:sizes:${template}:bytes`,
      inodes: `${base}:sizes:${template}:inodes`,
    }),
  };
}

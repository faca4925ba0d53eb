import type { CatalogInstance } from '@spica/catalog';
import { type Candidate, ownBytes, ownInodes } from '@spica/core';
import type { Inventory } from './inventory.ts';
import { protectionOf } from './protection.ts';

/** The pool's instances as candidates for retention, oldest first, with what protects them at `now`. */
export async function* readCandidates(
  inventory: Pick<Inventory, 'list'>,
  now: number,
): AsyncIterable<Candidate> {
  for await (const instance of inventory.list()) {
    // On its way out: no decision about it is left to make.
    if (instance.state !== 'deleting') yield toCandidate(instance, now);
  }
}

function toCandidate(instance: CatalogInstance, now: number): Candidate {
  const { record } = instance;
  return {
    id: record.id,
    experiment: record.experiment,
    spawnedAt: record.spawnedAt,
    ttlMs: record.ttlMs,
    score: record.score,
    lastLeasedAt: record.lastLeasedAt,
    bytes: ownBytes(record),
    inodes: ownInodes(record),
    protectedBy: protectionOf(instance, now),
  };
}

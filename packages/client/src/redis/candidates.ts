import type { Catalog } from '@spica/catalog';
import { type Candidate, protectionAt } from '@spica/core';
import { orderOf } from '../list/order.ts';
import { indexOf } from './instance-index.ts';

/**
 * A pool's instances as retention judges them, by this process's index: where a server in it has read them, only what has
 * changed since is read. What they are still to grow by is not in it; what the last plan found that would be lost is.
 *
 * @param leaseNow The time by which leases are judged, epoch milliseconds.
 */
export async function indexedCandidates(catalog: Catalog, leaseNow: number): Promise<Candidate[]> {
  const index = indexOf(catalog);
  await index.refresh(catalog);
  return index
    .inOrder(orderOf('spawned', undefined))
    .filter(({ state }) => state !== 'deleting')
    .map((row) => {
      const protectedBy = protectionAt(row.protections, leaseNow);
      // The row itself, where nothing keeps it now: then nothing ever will, since a row is replaced when that changes.
      return protectedBy === null && row.protectedBy === null ? row : { ...row, protectedBy };
    });
}

import { protectionAt } from '@spica/core';
import type { Catalog } from '../catalog.ts';
import { indexOf } from './instance-index.ts';
import { orderOf } from './order.ts';
import type { Row } from './row.ts';

/** The rows of a pool's instances, oldest first, as they are now; without those on their way out. */
export async function stayingRows(catalog: Catalog): Promise<Row[]> {
  const index = indexOf(catalog);
  await index.refresh(catalog);
  return index.inOrder(orderOf('spawned', undefined)).filter(({ state }) => state !== 'deleting');
}

/**
 * A pool's instances as retention judges them, by this process's index: where a server in it has read them, only what has
 * changed since is read. What they are still to grow by is not in it; what the last plan found unsaved keeps them.
 *
 * They are the index's own rows, oldest first, to be gone through once: a later judgement says of them what keeps them by
 * then.
 *
 * @param leaseNow The time by which leases are judged, epoch milliseconds.
 */
export async function indexedCandidates(catalog: Catalog, leaseNow: number): Promise<IteratorObject<Row>> {
  return protectedAt(await stayingRows(catalog), leaseNow);
}

function* protectedAt(rows: readonly Row[], leaseNow: number): Generator<Row> {
  for (const row of rows) {
    row.protectedBy = protectionAt(row.protections, leaseNow);
    yield row;
  }
}

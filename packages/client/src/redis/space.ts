import type { CatalogInstance } from '@spica/catalog';
import { ownBytes, type SpaceItem, type SpaceNode, spaceTree } from '@spica/core';
import { parsePayload } from '@spica/queues';
import { type SpaceQuery, spaceQuerySchema } from '../wire/queries.ts';
import type { CatalogPool } from './connection.ts';

/** What takes a pool's space. Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export async function readSpaceTree({ catalog, name }: CatalogPool, query: SpaceQuery): Promise<SpaceNode> {
  const { leaves } = parsePayload(spaceQuerySchema, query, 'space');
  const items: SpaceItem[] = [];
  for await (const instance of catalog.list()) {
    if (instance.state !== 'deleting') items.push(toItem(instance));
  }
  return spaceTree(name, items, leaves);
}

function toItem({ record }: CatalogInstance): SpaceItem {
  const { id, experiment, template, sample } = record;
  const own = ownBytes(record) ?? record.cloned?.bytes ?? 0;
  const expectedBytes = Math.max(own, record.expected?.bytes ?? 0);
  return { id, experiment, template, ownBytes: own, expectedBytes, capBytes: sample?.capBytes ?? null };
}

import { type Row, stayingRows } from '@spica/catalog/list';
import { type SpaceNode, spaceTree } from '@spica/core';
import { parsePayload } from '@spica/queues';
import { type SpaceQuery, spaceQuerySchema } from '../wire/queries.ts';
import type { CatalogPool } from './connection.ts';

/** What takes a pool's space, by this process's index. Throws UsageError PAYLOAD_INVALID for a query that is not as it must be. */
export async function readSpaceTree({ catalog, name }: CatalogPool, query: SpaceQuery): Promise<SpaceNode> {
  const { leaves } = parsePayload(spaceQuerySchema, query, 'space');
  return spaceTree(name, (await stayingRows(catalog)).map(toItem), leaves);
}

/** Not measured yet, it is as large as its clone was. */
function toItem({ id, experiment, template, bytes, expectedBytes, capBytes }: Row) {
  const ownBytes = bytes ?? 0;
  return {
    id,
    experiment,
    template,
    ownBytes,
    expectedBytes: Math.max(ownBytes, expectedBytes ?? 0),
    capBytes,
  };
}

import { setTimeout as sleep } from 'node:timers/promises';
import { isAtCap, ownBytes } from '@spica/core';
import { eventName } from '../event-name.ts';
import type { Transport } from '../transport.ts';
import type { OversizeView } from '../view.ts';
import { isAway } from './away.ts';
import type { CatalogPool, Connection } from './connection.ts';

/** The worker looks at what instances are charged every few seconds. */
const LOOK_EVERY_MS = 1_000;

/** What `Transport.oversizeFollow` promises; goes on where Redis was away. */
export async function* followOversize(
  connection: Connection,
  { request = null, after = null, signal }: Parameters<Transport['oversizeFollow']>[0],
): ReturnType<Transport['oversizeFollow']> & AsyncGenerator<{ id: string; instances: OversizeView[] }, void> {
  let last = after;
  while (!signal.aborted) {
    const instances = await readOversize(connection, request).catch((error: unknown) => {
      if (isAway(error, connection)) return null; // the next look may find it back
      throw error;
    });
    if (signal.aborted) return;
    const id = instances && eventName(instances.map((each) => [each.id, each.atCap, each.capBytes]));
    if (instances && id !== null && id !== last) yield { id, instances };
    last = id ?? last;
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** All that are, or those of one request. */
export async function readOversize(
  { catalog }: CatalogPool,
  request: string | null,
): Promise<OversizeView[]> {
  const all = await catalog.oversize();
  const asked = request === null ? all : all.filter(({ record }) => record.request === request);
  return asked.map(({ record }) => ({
    id: record.id,
    request: record.request,
    atCap: isAtCap(record),
    ownBytes: ownBytes(record) ?? 0,
    capBytes: record.sample?.capBytes ?? null,
  }));
}

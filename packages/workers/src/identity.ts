import { stat } from 'node:fs/promises';
import type { Catalog, Identity, Server } from '@spica/catalog';
import { CheckError, nullIfMissing } from '@spica/core';
import {
  checkName,
  describeHolder,
  identifySelf,
  isAlive,
  type PoolPlace,
  pathsOf,
  readMarker,
} from '@spica/pool';

/** What the check takes of the catalog. */
type Known = Pick<Catalog, 'identity' | 'server'>;

/**
 * Is the pool that Redis knows by this name the one of this place? Two projects may both have a pool `main`, and one Redis.
 * Asked before anything is sent. Where no marker can be read, as on a host without the pool's disk, the place may be any
 * pool's, unless the one that Redis knows lies elsewhere on this host. Throws CheckError: POOL_FOREIGN, POOL_MARKER_FOREIGN.
 */
export async function checkIdentity(place: PoolPlace, catalog: Known): Promise<void> {
  const [known, own] = await Promise.all([catalog.identity(), readMarkerIfAny(place.root)]);
  if (own) checkName(place.name, pathsOf(place.root), own);
  if (known === null) return;
  const server = await liveServer(catalog);
  const isForeign = own && own.id !== known.id;
  // A pool that was copied, and is served from the other copy; where nobody serves it, it may have moved here.
  const mayBeElsewhere = own === null || server !== null;
  if (isForeign || (mayBeElsewhere && (await liesElsewhere(known, place)))) {
    throw poolForeign(place, own, { known, server });
  }
}

/**
 * May another pool take the name that Redis knows one by? Throws CheckError POOL_FOREIGN while a process serves that one, or
 * may: of one on another host nobody can say until it has been silent for 15 s.
 */
export async function checkRebind(place: PoolPlace, catalog: Known): Promise<void> {
  const [known, own, server] = await Promise.all([
    catalog.identity(),
    readMarkerIfAny(place.root),
    liveServer(catalog),
  ]);
  if (known === null || known.id === own?.id || server === null) return;
  throw poolForeign(place, own, { known, server });
}

/**
 * Is the pool's disk to be looked for on this host? Throws CheckError POOL_ELSEWHERE where there is no pool at the place, and
 * a process on another host serves it.
 */
export async function checkHere({ name, root }: PoolPlace, catalog: Known): Promise<void> {
  if ((await readMarkerIfAny(root)) !== null) return;
  const [known, server, self] = await Promise.all([catalog.identity(), catalog.server(), identifySelf()]);
  if (server === null || server.host === self.host) return;
  const at = known?.root === undefined ? '' : `, at ${known.root}`;
  throw new CheckError('POOL_ELSEWHERE', `pool ${name}: its disk is on host ${server.host}${at}`, { name });
}

async function liveServer(catalog: Known): Promise<Server | null> {
  const server = await catalog.server();
  return server && (await isDeadHere(server)) ? null : server;
}

/** Whether a server that Redis still names ran on this host, and runs no more. */
export async function isDeadHere(server: Server): Promise<boolean> {
  const { host } = await identifySelf();
  return server.host === host && !(await isAlive(server));
}

/** Whether the pool lies on this host, in another directory than the one of this place. */
async function liesElsewhere({ id, root }: Identity, place: PoolPlace): Promise<boolean> {
  if (root === undefined || (await readMarkerIfAny(root))?.id !== id) return false;
  const [there, here] = await Promise.all([stat(root), nullIfMissing(stat(place.root))]);
  return there.dev !== here?.dev || there.ino !== here.ino;
}

/** What cannot be read cannot be compared: whoever opens the pool says what is wrong with it. */
async function readMarkerIfAny(root: string) {
  try {
    return await readMarker(pathsOf(root));
  } catch (error) {
    if (error instanceof CheckError) return null;
    throw error;
  }
}

const OWN_NAME =
  'give this pool a name of its own (`pools: NAME:` in its spica.yaml, then `spica init --rebind`), or a Redis of its own (SPICA_STATE_DIR, or REDIS_URL)';

/** The error for a name that is another pool's. `own`: the marker at the place; null where there is none. */
export function poolForeign(
  { name, root }: PoolPlace,
  own: { readonly id: string } | null,
  { known, server }: { readonly known: Identity; readonly server: Server | null },
): CheckError {
  const where = known.root === undefined ? '' : ` at ${known.root}`;
  const by = server === null ? '' : `, served by ${describeHolder(server)}`;
  const here =
    own === null ? `there is no pool at ${root} (\`spica init\` makes one)` : `${root} carries ${own.id}`;
  const says = `pool ${name}: Redis knows it as ${known.id}${where}${by}, but ${here}`;
  const advice =
    server === null
      ? `If another project or host has a pool of that name, ${OWN_NAME}. If the right disk is not mounted, mount it. ` +
        'If its disk is lost, `spica init --rebind` takes this root from now on'
      : `Another project or host serves a pool of that name: ${OWN_NAME}`;
  const details = { pool: name, root, id: own?.id ?? null, known: known.id, served: server !== null };
  return new CheckError('POOL_FOREIGN', `${says}. ${advice}`, details);
}

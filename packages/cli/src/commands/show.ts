import { type Catalog, toInstanceView } from '@spica/catalog';
import { instanceGone } from '@spica/client/redis';
import { isInstanceId, type PoolConfig, systemClock, toKnownError } from '@spica/core';
import {
  commandLogPath,
  lastLines,
  listTrash,
  type Manifest,
  openPool,
  type Pool,
  readCommandLog,
  readManifest,
} from '@spica/pool';
import { withCatalog } from '../context/catalog.ts';
import type { Invocation } from '../io.ts';
import { type Gone, toGoneJson, writeGone } from '../output/gone.ts';
import { writeInstance } from '../output/instance.ts';
import { writeJson } from '../output/write.ts';

/** `spica show ID`: all that is known of an instance, or what is left of one that is gone; or where a request stands. */
export async function show(invocation: Invocation): Promise<number> {
  const id = invocation.args[0] ?? '';
  if (!isInstanceId(id)) return (await import('../request/show.ts')).showRequest(invocation, id);
  return withCatalog(invocation, async ({ policy, catalog }) => {
    await showInstance(invocation, id, { policy, catalog });
    return 0;
  });
}

async function showInstance(
  { io, options }: Invocation,
  id: string,
  { policy, catalog }: { policy: PoolConfig; catalog: Catalog },
): Promise<void> {
  const { name } = policy;
  const pool = await poolHere(policy);
  const instance = await catalog.get(id);
  if (instance) {
    const manifest = pool && (await manifestOf(pool, id));
    const setUp = pool && (await setUpOf(pool, id));
    if (options.json)
      writeJson(io.stdout, { ...toInstanceView(instance, systemClock.now(), null), manifest, setUp });
    else writeInstance(io.stdout, instance, { manifest, setUp: setUp && saySetUp(setUp) });
    return;
  }
  const gone = await findGone(id, { policy, catalog, pool });
  if (!gone) throw await instanceGone({ name, catalog }, id);
  if (options.json) writeJson(io.stdout, toGoneJson(id, name, gone));
  else writeGone(io.stdout, id, name, gone);
}

/** In the trash, which this host may see; else it may have vanished. */
async function findGone(
  id: string,
  { policy, catalog, pool }: { policy: PoolConfig; catalog: Catalog; pool: Pool | null },
): Promise<Gone | null> {
  const entry = pool && (await listTrash(pool)).findLast((each) => each.id === id);
  if (entry) return { state: 'in-trash', entry, until: entry.trashedAt + policy.retention.trashTtlMs };
  const tombstone = await catalog.tombstone(id);
  return tombstone && { state: 'vanished', tombstone };
}

/** Null where the pool is not on this host. */
async function poolHere({ name, root }: PoolConfig): Promise<Pool | null> {
  try {
    return await openPool({ name, root });
  } catch (error) {
    if (toKnownError(error)) return null;
    throw error;
  }
}

interface SetUpOutput {
  readonly path: string;
  readonly output: string;
}

function saySetUp({ path, output }: SetUpOutput): string {
  return `${lastLines(output).join(' | ') || 'it printed nothing'} (${path})`;
}

/** What its set-up printed, and where that is kept; null where it had none, or for users who may not read it. */
async function setUpOf(pool: Pool, id: string): Promise<SetUpOutput | null> {
  const output = await readCommandLog(pool, id).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') return null;
    throw error;
  });
  return output === null ? null : { path: commandLogPath(pool, id), output };
}

/** Null where what lies there is not what it should be: `spica verify` tells. */
async function manifestOf(pool: Pool, id: string): Promise<Manifest | null> {
  try {
    return await readManifest(pool, id);
  } catch (error) {
    if (toKnownError(error)) return null;
    throw error;
  }
}

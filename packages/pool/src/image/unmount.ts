import { CheckError, type Clock } from '@spica/core';
import { retryFor } from '../async/retry.ts';
import { lockPool } from '../claim/pool.ts';
import { findUsersBelow } from '../live/processes.ts';
import { openPool, type PoolPlace } from '../marker/marker.ts';
import { mountsBelow } from '../trash/mounts.ts';
import { requireMounted } from './show.ts';
import { tryTool } from './tool.ts';

/** Programs that Spica runs on a pool's filesystem as a whole. */
const OURS = ['sync', 'fstrim', 'btrfs'];
const PATIENCE_MS = 20_000;
/** So many of those who use an image are named. */
const MOST_NAMED = 5;

/**
 * Unmounts a pool's image; its loop device goes with it. Throws CheckError POOL_SERVED, IMAGE_IN_USE with who uses it
 * (then nothing was touched), IMAGE_FAILED, and what `requireMounted` throws.
 */
export async function unmountImage(place: PoolPlace, { clock }: { clock: Clock }): Promise<void> {
  const { isReadOnly } = await requireMounted(place);
  if (!isReadOnly) await (await lockPool(await openPool(place), { clock })).release(); // nobody serves it
  await unmountUnused(place);
}

/** Unmounts what is mounted at a root, unless something is in use. Throws CheckError IMAGE_IN_USE, IMAGE_FAILED. */
export async function unmountUnused(place: PoolPlace): Promise<void> {
  const { name, root } = place;
  const mounts = (await mountsBelow(root)).filter((point) => point !== root);
  if (mounts.length > 0) throw inUse(place, `something is mounted in it: ${mounts.join(', ')}`);
  const umount = async () => {
    const { failed, complaint } = await tryTool('umount', ['--', root]);
    if (!failed) return { users: [], complaint: null };
    const users = await findUsersBelow(root, MOST_NAMED);
    return isOursAlone(users) ? null : { users, complaint };
  };
  // What a worker that has just ended was still doing ends within moments.
  const { users, complaint } = (await retryFor(PATIENCE_MS, umount)) ?? {
    users: await findUsersBelow(root, MOST_NAMED),
    complaint: 'it is in use',
  };
  if (complaint === null) return;
  if (users.length === 0) {
    throw new CheckError('IMAGE_FAILED', `pool ${name}: its image could not be unmounted: ${complaint}`, {
      root,
    });
  }
  const named = users.map(({ pid, command, path }) => `process ${pid} (${command}) in ${path}`);
  throw inUse(place, named.join(', '));
}

function isOursAlone(users: readonly { readonly command: string }[]): boolean {
  return users.length > 0 && users.every(({ command }) => OURS.includes(command));
}

function inUse({ name, root }: PoolPlace, by: string): CheckError {
  return new CheckError('IMAGE_IN_USE', `pool ${name}: its image is in use at ${root}: ${by}`, { root });
}

import { type CloneMethod, countOf, formatBytes, type PoolConfig, poolFloor, SpicaError } from '@spica/core';
import {
  doubtSpace,
  isInImage,
  openPool,
  type Pool,
  probeCloneMethod,
  readSpace,
  whyUnwritable,
} from '@spica/pool';
import { sayMethod } from '../output/method.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { checkTemplates } from './template.ts';

/**
 * Is a pool there, with room, and its templates? `method`: how it clones, as its worker found; null has it tried here,
 * in the pool's staging directory.
 */
export async function checkPool(policy: PoolConfig, method: CloneMethod | null): Promise<Finding[]> {
  const templates = await checkTemplates(policy);
  const check = `pool ${policy.name}`;
  try {
    const pool = await openPool({ name: policy.name, root: policy.root });
    return [
      ok(check, pool.paths.root),
      await checkSpace(policy, pool),
      checkMethod(policy.name, method ?? (await probeCloneMethod(pool))),
      ...templates,
    ];
  } catch (error) {
    if (!(error instanceof SpicaError)) throw error;
    const advice = `mount it, or make it with \`spica init --pool ${policy.name}\``;
    return [fail(check, error.message, error.code.startsWith('POOL_') ? advice : 'see above'), ...templates];
  }
}

async function checkSpace({ name, root, disk }: PoolConfig, pool: Pool): Promise<Finding> {
  const check = `disk of pool ${name}`;
  const space = await readSpace(pool.paths.root);
  const floor = poolFloor(disk, space, await isInImage(root));
  const found = `${formatBytes(space.availableBytes)} available of ${formatBytes(space.totalBytes)}, floor ${formatBytes(floor.bytes)}`;
  const unwritable = await whyUnwritable(pool);
  if (unwritable !== null)
    return fail(check, unwritable, 'see the kernel log (`dmesg`): requests are held until it takes writes');
  const doubt = await doubtSpace(pool.paths.root);
  if (doubt !== null) return fail(check, doubt, 'see what `df` and `stat -f` say of it, and its kernel log');
  if (floor.bytes >= space.totalBytes) {
    return fail(check, found, 'lower disk.min_free_space_gb: nothing can ever be admitted');
  }
  if (space.availableBytes < floor.bytes)
    return warn(check, found, 'make room: `spica prune`, or what others keep there');
  if (space.freeInodes !== null && space.freeInodes < floor.inodes) {
    return warn(
      check,
      `${countOf(space.freeInodes, 'inode')} free, floor ${floor.inodes}`,
      'make room: `spica prune`',
    );
  }
  return ok(check, found);
}

function checkMethod(pool: string, method: CloneMethod): Finding {
  const check = `clones of pool ${pool}`;
  if (method !== 'copy') return ok(check, sayMethod(method));
  return warn(check, sayMethod(method), 'put the pool on XFS (with reflink) or btrfs');
}

import type { Catalog } from '@spica/catalog';
import {
  CheckError,
  type CloneMethod,
  countOf,
  formatBytes,
  formatDuration,
  type PoolConfig,
  poolFloor,
  systemClock,
  toKnownError,
} from '@spica/core';
import {
  doubtSpace,
  findLiveUses,
  isInImage,
  listTrash,
  openPool,
  type Pool,
  type PoolPlace,
  probeCloneMethod,
  readSpace,
  recordedIds,
  scanPool,
  unseenOf,
  whyBlind,
  whyUnwritable,
} from '@spica/pool';
import { checkHere, checkIdentity } from '@spica/workers';
import { sayMethod } from '../output/method.ts';
import { listStuck } from '../status/stuck.ts';
import { checkCollectTo } from './collect.ts';
import { checkApart, checkDisk, checkLeftovers } from './disk.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { checkPermissions } from './permissions.ts';
import { checkTemplates } from './template.ts';

/**
 * Is a pool there, and the one that Redis knows, with room, and its templates? How it clones its worker has found; else
 * it is tried here, in the pool's staging directory, as it is without a `catalog`, while Redis is away. `redisDir`: where
 * Redis keeps its data on this host; null where it does not.
 */
export async function checkPool(
  policy: PoolConfig,
  catalog: Catalog | null,
  redisDir: string | null,
): Promise<Finding[]> {
  const check = `pool ${policy.name}`;
  const place = { name: policy.name, root: policy.root };
  const elsewhere = catalog && (await whyElsewhere(place, catalog));
  if (elsewhere) return [warn(check, elsewhere, 'run this there, too')];
  const templates = [...(await checkTemplates(policy)), ...(await checkCollectTo(policy))];
  try {
    const pool = await openPool(place);
    if (catalog) await checkIdentity(place, catalog);
    const method = (await catalog?.identity())?.method;
    return [
      ok(check, pool.paths.root),
      await checkSpace(policy, pool),
      ...(await checkDisk(policy, pool)),
      ...(redisDir === null ? [] : [await checkApart(policy, pool, redisDir)]),
      ...(await checkPermissions(policy, pool)),
      ...(await checkProcesses(policy, pool)),
      await checkLeftovers(policy, pool, await unknownIn(pool), systemClock.now()),
      ...(await checkTrash(policy, pool)),
      checkMethod(policy.name, method ?? (await probeCloneMethod(pool))),
      ...templates,
    ];
  } catch (error) {
    const problem = toKnownError(error);
    if (!problem) throw error;
    return [fail(check, problem.message, adviceFor(problem.code, policy.name)), ...templates];
  }
}

/** Of a pool of another host neither disk nor templates are here. */
async function whyElsewhere(place: PoolPlace, catalog: Catalog): Promise<string | null> {
  try {
    await checkHere(place, catalog);
    return null;
  } catch (error) {
    if (error instanceof CheckError) return error.message;
    throw error;
  }
}

async function unknownIn(pool: Pool): Promise<string[]> {
  const recorded = new Set(await recordedIds(pool));
  const { unknownDirectories } = await scanPool(pool, async (names) =>
    names.filter((name) => !recorded.has(name)),
  );
  return unknownDirectories.map(({ name }) => name);
}

function adviceFor(code: string, pool: string): string {
  if (code === 'POOL_FOREIGN' || !code.startsWith('POOL_')) return 'see above';
  return `mount it, or make it with \`spica init --pool ${pool}\``;
}

/** What uses instances can only be seen of processes that may be looked into. */
async function checkProcesses({ name, retention }: PoolConfig, pool: Pool): Promise<Finding[]> {
  if (!retention.protectLiveProcesses) return [];
  const check = `processes that may use pool ${name}`;
  const blind = whyBlind();
  if (blind !== null) return [sayBlind(check, blind, retention.blindKeepMs)];
  const unseen = unseenOf(await findLiveUses(pool));
  if (unseen === null) return [ok(check, 'all can be looked into')];
  const kept = 'nothing is deleted while that is so (protect_when_unknown); to see them, run it as root';
  const advice = 'lease what they use; retention.protect_when_unknown: true has nothing deleted meanwhile';
  return [warn(check, unseen.sentence, retention.protectWhenUnknown ? kept : advice)];
}

/** As the worker is told at its start, and its plans go by. */
export function sayBlind(check: string, why: string, keepMs: number): Finding {
  const kept = `what was leased is kept for ${formatDuration(keepMs)} after its lease (blind_keep)`;
  const advice =
    "let it see the host's processes (docker: --pid=host), or release with --discard what nobody needs";
  return warn(check, `who uses its instances cannot be seen: ${why}; ${kept}`, advice);
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

/** What lies in the trash and cannot be deleted holds room that nobody can use. */
async function checkTrash({ name }: PoolConfig, pool: Pool): Promise<Finding[]> {
  return listStuck(await listTrash(pool)).map(({ path, bytes, cause, help }) => {
    const size = bytes === null ? 'an unknown size' : formatBytes(bytes);
    return warn(`trash of pool ${name}`, `${path} (${size}) could not be deleted: ${cause}`, help);
  });
}

function checkMethod(pool: string, method: CloneMethod): Finding {
  const check = `clones of pool ${pool}`;
  if (method !== 'copy') return ok(check, sayMethod(method));
  return warn(
    check,
    sayMethod(method),
    'put the pool on XFS (with reflink) or btrfs, or into an image (`spica init --image SIZE`, as root)',
  );
}

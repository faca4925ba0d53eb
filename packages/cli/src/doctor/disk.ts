import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ballastOf,
  countOf,
  formatBytes,
  formatDuration,
  isLoopbackAddress,
  nullIfMissing,
  type PoolConfig,
} from '@spica/core';
import { filesystemOf, findUsersBelow, type MountedOn, mountedOn, type Pool, readSpace } from '@spica/pool';
import type { RedisTarget } from '@spica/queues';
import type { Redis } from 'ioredis';
import { type Finding, ok, warn } from './finding.ts';

/** Filesystems that are another machine's: locks and sizes of files are only as good as its server. */
const REMOTE = /^(nfs|cifs|smb|9p|ceph|glusterfs|fuse\.)/;

/** What of the filesystem that a pool is on goes wrong in practice: how it is mounted, who else is on it, the ballast. */
export async function checkDisk({ name, disk, templates }: PoolConfig, pool: Pool): Promise<Finding[]> {
  const mounted = await mountedOn(pool.paths.root);
  const runsCommands = Object.values(templates).some(
    ({ setup, prepare }) => setup !== null || prepare !== null,
  );
  return [
    ...(mounted === null ? [] : checkMount(name, mounted, runsCommands)),
    ...(mounted === null ? [] : [await checkOthers(name, mounted, pool)]),
    ...(await checkBallast({ name, disk }, pool)),
  ];
}

function checkMount(pool: string, { point, type, flags }: MountedOn, runsCommands: boolean): Finding[] {
  const check = `mount of pool ${pool}`;
  const found = `${point} (${type})`;
  const findings: Finding[] = [];
  if (runsCommands && flags.includes('noexec'))
    findings.push(
      warn(
        check,
        `${found} is mounted noexec: commands of templates cannot run programs of an instance`,
        `mount -o remount,exec ${point}`,
      ),
    );
  if (flags.includes('sync') || flags.includes('dirsync'))
    findings.push(
      warn(
        check,
        `${found} writes each file through at once (sync): a copy takes many times as long`,
        `mount -o remount,async ${point}`,
      ),
    );
  if (REMOTE.test(type))
    findings.push(
      warn(
        check,
        `${found} is another machine's disk: locks, sizes and renames are as good as its server`,
        'put the pool on a disk of this host',
      ),
    );
  return findings.length > 0 ? findings : [ok(check, found)];
}

/** So many processes are looked through, and so many named. */
const MOST = 2_000;
const NAMED = 3;

/** What others write takes room that nobody has planned for. */
async function checkOthers(pool: string, { point }: MountedOn, { paths }: Pool): Promise<Finding> {
  const check = `others on the disk of pool ${pool}`;
  const advice =
    'give the pool a disk, or an image, of its own; or leave them room with disk.min_free_space_gb';
  if (point === '/')
    return warn(check, 'it is the root filesystem: logs, /tmp and all else of this host fill it too', advice);
  const users = await findUsersBelow(point, MOST);
  const others = users.filter(({ path }) => !`${path}/`.startsWith(`${paths.root}/`));
  if (others.length === 0) return ok(check, `no other process that can be seen uses ${point}`);
  const named = others
    .slice(0, NAMED)
    .map(({ pid, command }) => `${pid} (${command})`)
    .join(', ');
  const more = others.length > NAMED ? ' and others' : '';
  return warn(
    check,
    `${countOf(others.length, 'process', 'processes')} on ${point} may fill it too: ${named}${more}`,
    advice,
  );
}

async function checkBallast(
  { name, disk }: Pick<PoolConfig, 'name' | 'disk'>,
  { paths }: Pool,
): Promise<Finding[]> {
  const wanted = ballastOf(disk, (await readSpace(paths.root)).totalBytes);
  if (wanted === 0) return [];
  const check = `ballast of pool ${name}`;
  const bytes = (await nullIfMissing(lstat(paths.ballast)))?.size ?? 0;
  if (bytes >= wanted) return [ok(check, formatBytes(bytes))];
  const found = `${formatBytes(bytes)} of ${formatBytes(wanted)}: it was given up on a full disk, or nobody has served the pool yet`;
  return [warn(check, found, 'make room: `spica up` lays it up again')];
}

const HOUR_MS = 3_600_000;
const RECONCILE_MS = 2 * HOUR_MS;

/** Whether the disk and the catalog were compared lately; `at` is when, epoch milliseconds, and undefined for never. */
export function checkReconciled(pool: string, at: number | undefined, now: number): Finding {
  const check = `reconcile of pool ${pool}`;
  if (at === undefined) return ok(check, 'not noted yet: it is done at each start, and hourly');
  const ago = formatDuration(Math.max(0, Math.round((now - at) / 60_000) * 60_000));
  if (now - at <= RECONCILE_MS) return ok(check, `${ago} ago`);
  return warn(
    check,
    `last ${ago} ago, though it is done hourly`,
    'see whether a worker serves the pool; `spica reconcile`',
  );
}

/** What a killed worker leaves, and what is not Spica's. Whoever makes a clone has it younger than an hour. */
export async function checkLeftovers(
  { name }: Pick<PoolConfig, 'name'>,
  pool: Pool,
  unknown: readonly string[],
  now: number,
): Promise<Finding> {
  const check = `leftovers in pool ${name}`;
  const staged = (await nullIfMissing(readdir(pool.paths.staging))) ?? [];
  const old: string[] = [];
  for (const entry of staged) {
    const found = await nullIfMissing(lstat(join(pool.paths.staging, entry)));
    if (found !== null && now - found.mtimeMs > HOUR_MS) old.push(entry);
  }
  const parts = [
    old.length > 0 &&
      `${countOf(old.length, 'clone')} that nobody has touched for an hour in ${pool.paths.staging}`,
    unknown.length > 0 &&
      `${unknown.length} in its root that Spica does not know: ${unknown.slice(0, NAMED).join(', ')}`,
  ].filter((part) => part !== false);
  if (parts.length === 0) return ok(check, 'none');
  return warn(
    check,
    parts.join('; '),
    '`spica reconcile` removes half clones; move elsewhere what is not an instance',
  );
}

/** Where Redis keeps its data; null where that is not on this host, or it does not say. */
export async function redisDirOf(redis: Redis, target: RedisTarget): Promise<string | null> {
  if (!isHere(target)) return null;
  try {
    const [, dir] = (await redis.config('GET', 'dir')) as string[];
    return dir && (await nullIfMissing(lstat(dir))) ? dir : null;
  } catch {
    return null; // it may refuse CONFIG: it is asked for the sake of advice alone
  }
}

function isHere(target: RedisTarget): boolean {
  if ('socket' in target) return true;
  const { hostname } = new URL(target.url);
  return hostname === 'localhost' || isLoopbackAddress(hostname.replace(/^\[(.*)\]$/, '$1'));
}

/** A disk that instances fill must not stop Redis, which is asked before anything is deleted. */
export async function checkApart(
  { name }: Pick<PoolConfig, 'name'>,
  pool: Pool,
  redisDir: string,
): Promise<Finding> {
  const check = `Redis beside pool ${name}`;
  const [ours, theirs] = await Promise.all([filesystemOf(pool.paths.root), filesystemOf(redisDir)]);
  if (ours !== theirs) return ok(check, `it writes to another disk, at ${redisDir}`);
  const advice =
    "put it elsewhere (SPICA_STATE_DIR, or Redis's `dir`); until then the ballast (disk.ballast_mb) makes room for it";
  return warn(
    check,
    `it writes to the same disk, at ${redisDir}: when that is full, Redis takes no writes`,
    advice,
  );
}

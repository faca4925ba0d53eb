import { access, lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestResult } from '@spica/queues';
import type { ServedContext } from '@spica/workers';

/** What the demo promises, and whether it came true. */
export interface Check {
  readonly claim: string;
  readonly ok: boolean;
}

/** One deletion as the audit log has it. */
export interface Deletion {
  readonly instance: string;
  readonly reason: string;
  readonly bytes: number | null;
}

export async function readDeletions(auditPath: string): Promise<Deletion[]> {
  const lines = (await readFile(auditPath, 'utf8')).trim().split('\n');
  const entries = lines.map((line) => JSON.parse(line));
  return entries.filter(({ action, outcome }) => action === 'delete_instance' && outcome === 'deleted');
}

export interface Evidence {
  readonly ctx: ServedContext;
  readonly results: readonly RequestResult[];
  readonly deletions: readonly Deletion[];
  readonly disks: readonly { readonly floorBytes: number; readonly lowest: number }[];
  readonly boardUrl: string;
}

/** Looks at the disk, the catalog, the audit log and the board, not at what the workers said. */
export async function checkAll(evidence: Evidence): Promise<Check[]> {
  const { ctx, results, deletions } = evidence;
  const { root } = ctx.pool.paths;
  const onDisk = (await readdir(root)).filter((name) => name.startsWith('spica-'));
  const records = await Promise.all(onDisk.map(async (id) => (await ctx.catalog.get(id))?.record));
  const spawned = results.flatMap(({ instances }) => instances);
  const explained = deletions.every(({ reason }) => reason.length > 0);
  return [
    {
      claim: '4 generations of 8 came up through the gate',
      ok: results.length === 4 && spawned.length === 32,
    },
    {
      claim: '10 instances are kept, on disk and in the catalog',
      ok: onDisk.length === 10 && records.every(Boolean),
    },
    {
      claim: '22 were pruned, each with its reason in the audit log',
      ok: deletions.length === 22 && explained,
    },
    {
      claim: 'every kept instance was measured',
      ok: records.every((record) => (record?.sample?.allocatedBytes ?? 0) > 0),
    },
    {
      claim: 'the floor was never crossed',
      ok: evidence.disks.every(({ lowest, floorBytes }) => lowest > floorBytes),
    },
    {
      claim: 'ignored files were left out, symlinks and modes kept',
      ok: await faithful(onDisk.map((id) => join(root, id))),
    },
    { claim: 'trash and staging are empty', ok: await empty(ctx.pool.paths.trash, ctx.pool.paths.staging) },
    { claim: 'Bull Board shows the queues', ok: await boardShows(evidence.boardUrl) },
  ];
}

async function faithful(instances: readonly string[]): Promise<boolean> {
  for (const dir of instances) {
    if (await exists(join(dir, '.venv'))) return false;
    if (await exists(join(dir, 'run.log'))) return false;
    if (!(await lstat(join(dir, 'dangling'))).isSymbolicLink()) return false;
    if (((await lstat(join(dir, 'cache'))).mode & 0o777) !== 0o555) return false;
    if (!(await readFile(join(dir, '.env.spica'), 'utf8')).includes('GENERATION=')) return false;
  }
  return instances.length > 0;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function empty(...dirs: string[]): Promise<boolean> {
  const names = await Promise.all(dirs.map((dir) => readdir(dir)));
  return names.flat().length === 0;
}

async function boardShows(url: string): Promise<boolean> {
  const response = await fetch(new URL('/queues/api/queues', url));
  const text = await response.text();
  return response.ok && ['gate', 'spawn', 'prune', 'sample'].every((name) => text.includes(name));
}

import { lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, newRecord, resolveConfig, systemClock } from '@spica/core';
import { initPool, type Pool, writeRecord } from '@spica/pool';

const DAY_MS = 86_400_000;

/** Old enough to go, and holds a link that leads out. */
export const OLD = 'spica-000000000001';
/** A directory whose record is torn. */
export const TORN = 'spica-000000000002';
/** A link that has the name of an instance, and leads out. */
export const LINK = 'spica-000000000003';

/** A pool of its own for what is tried, in a directory for temporary files, and what must outlive it. */
export interface Scratch {
  readonly dir: string;
  readonly pool: Pool;
  readonly config: Config;
  /** Lies outside of the pool, where links lead to. */
  readonly victim: string;
  remove(): Promise<void>;
}

/** Makes it. Throws what the filesystem says. */
export async function makeScratch(): Promise<Scratch> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-doctor-'));
  const [root, state, outside] = ['pool', 'state', 'outside'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  const victim = join(outside, 'keep');
  for (const each of [state, outside]) await mkdir(each);
  await writeFile(victim, 'what is outside of a pool stays');
  const pool = await initPool({ name: 'scratch', root, clock: systemClock });
  await addInstance(pool, OLD);
  await symlink(outside, join(pool.pathOf(OLD), 'link'));
  await addInstance(pool, TORN);
  await writeFile(join(pool.paths.records, `${TORN}.json`), '{"schema": "spica.rec');
  await symlink(outside, join(root, LINK));
  const settings = { root, 'disk.min_free_space_gb': 0, 'retention.protect_live_processes': false };
  const flags = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`pools.scratch.${key}`, value]),
  );
  const { config } = resolveConfig({
    file: null,
    env: { SPICA_STATE_DIR: state },
    flags,
    cwd: dir,
    home: dir,
  });
  return { dir, pool, config, victim, remove: () => rm(dir, { recursive: true, force: true }) };
}

async function addInstance(pool: Pool, id: string): Promise<void> {
  const spawnedAt = systemClock.now() - 40 * DAY_MS;
  await mkdir(pool.pathOf(id));
  await writeFile(join(pool.pathOf(id), 'data'), 'data');
  const record = newRecord({
    ...{ id, pool: pool.name, request: null, index: null, template: 'default', templateVersion: '1' },
    ...{ fingerprint: null, cloneMethod: null, clonedAt: spawnedAt, cloned: null, predicted: null },
    ...{ expected: null, replicas: 0, by: null, parent: null, generation: 0, experiment: null },
    ...{ labels: {}, spawnedAt, ttlMs: null, collect: [] },
  });
  await writeRecord(pool, record);
}

/** All that lies in a directory, with what any change of it moves. */
export async function listTree(dir: string): Promise<string> {
  const lines: string[] = [];
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode, size, ino, ctimeNs } = await lstat(path, { bigint: true });
    lines.push([path, mode, size, ino, ctimeNs].join(' '));
  }
  return lines.sort().join('\n');
}

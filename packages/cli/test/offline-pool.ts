import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type InstanceRecord, systemClock } from '@spica/core';
import { buildLineage, buildManifest, initPool, type Pool, writeRecord } from '@spica/pool';
import { type Captured, capture } from './capture.ts';

const HOUR_MS = 3_600_000;

/** A pool on disk with nobody to serve it and no Redis, and a process to run commands in. */
export interface OfflinePool {
  readonly pool: Pool;
  readonly stateDir: string;
  io(options?: { tty?: boolean; env?: Record<string, string> }): Captured;
  /** Puts an instance there as a spawn would have, `hours` ago, and measured just now. */
  add(id: string, hours: number, facts?: Partial<InstanceRecord>): Promise<InstanceRecord>;
}

/** Makes the pool `main` in `dir`, with `max_instances: 2`; `settings` are further keys of the pool. */
export async function makeOfflinePool(
  dir: string,
  settings: { retention?: object; disk?: object; templates?: object; collect_to?: string } = {},
): Promise<OfflinePool> {
  const root = join(dir, 'pool');
  const stateDir = join(dir, 'state');
  await mkdir(stateDir, { recursive: true });
  const pool = await initPool({ name: 'main', root, clock: systemClock });
  const retention = { max_instances: 2, ...settings.retention };
  const disk = { min_free_space_gb: 0.0001, min_free_inodes_percent: 0, ...settings.disk };
  const config = join(dir, 'spica.yaml');
  await writeFile(config, JSON.stringify({ pools: { main: { ...settings, root, retention, disk } } }));
  return {
    pool,
    stateDir,
    io: ({ tty = false, env = {} } = {}) =>
      capture({
        tty,
        env: { PATH: process.env['PATH'] ?? '', SPICA_CONFIG: config, SPICA_STATE_DIR: stateDir, ...env },
      }),
    async add(id, hours, facts = {}) {
      const record = { ...aRecord(id, systemClock.now() - hours * HOUR_MS), ...facts };
      await addInstance(pool, record);
      return record;
    },
  };
}

async function addInstance(pool: Pool, record: InstanceRecord): Promise<void> {
  const { id } = record;
  const spawnedAt = record.spawnedAt ?? 0;
  const lineage = buildLineage({ id, parent: null, originCommit: 'unknown', generation: 0, spawnedAt });
  const prepared = { templateRef: 'git:unknown', version: '1.0.0' };
  const budget = { cpu: 1, ramGb: 1, vramGb: 0 };
  const manifest = buildManifest({
    id,
    prepared,
    lineage,
    seed: 1,
    params: {},
    budget,
    spawnedAt,
    notes: '',
  });
  const path = pool.pathOf(id);
  await mkdir(path);
  await writeFile(join(path, 'manifest.json'), JSON.stringify(manifest));
  await writeFile(join(path, 'lineage.json'), `${JSON.stringify(lineage, null, 2)}\n`);
  await writeFile(join(path, 'data'), Buffer.alloc(1_000_000, 'x'));
  await writeRecord(pool, record);
}

/** As if Spica had never known it. */
export async function forget({ pool }: OfflinePool, id: string): Promise<void> {
  await rm(join(pool.paths.records, `${id}.json`));
}

function aRecord(id: string, spawnedAt: number): InstanceRecord {
  const now = systemClock.now();
  return {
    schema: 'spica.record/v1',
    id,
    pool: 'main',
    request: 'req-1',
    index: 0,
    template: 'default',
    templateVersion: '1.0.0',
    fingerprint: 'f',
    cloneMethod: 'copy',
    clonedAt: spawnedAt,
    cloned: null,
    predicted: null,
    expected: null,
    replicas: 0,
    by: null,
    parent: null,
    generation: 0,
    experiment: null,
    labels: {},
    spawnedAt,
    sample: {
      at: now,
      changedAt: now,
      allocatedBytes: 1_000_000,
      apparentBytes: 1_000_000,
      ownBytes: 1_000_000,
      inodes: 4,
    },
    lease: null,
    lastLeasedAt: null,
    releasedAt: null,
    discarded: false,
    pin: null,
    ttlMs: null,
    score: null,
    oversize: null,
    collect: [],
    collected: null,
  };
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createCatalog } from '@spica/catalog';
import { type Config, instanceIdOf, systemClock } from '@spica/core';
import {
  type AuditLog,
  buildLineage,
  buildManifest,
  cloneInstance,
  initPool,
  openAudit,
  type Pool,
  writeRecord,
} from '@spica/pool';
import { closeQueues, type RedisTarget } from '@spica/queues';
import { createLogger, openPoolContext, type ServedContext } from '@spica/workers';
import type { Redis } from 'ioredis';
import { findFilesystem } from '../../../packages/workers/src/gate/filesystem.ts';
import { loadGate } from '../../../packages/workers/src/gate/load.ts';
import { createDeletionClaim } from '../../../packages/workers/src/pruner/claim.ts';
import { recordFromManifest } from '../../../packages/workers/src/reconciler/record.ts';
import { createCloneSync } from '../../../packages/workers/src/spawner/sync.ts';
import { servedContext } from '../../support/served-context.ts';
import { stackConfig } from '../../support/stack.ts';
import { makeTemplate } from '../../support/template.ts';

/** A pool whose only instance is about to be deleted for good. */
export interface Site {
  readonly dir: string;
  readonly name: string;
  readonly target: RedisTarget;
  readonly pool: Pool;
  readonly config: Config;
  readonly instance: string;
}

/** The config of a site. What is deleted goes at once; of live processes there are too many on a test's machine. */
function configOf({ dir, name, target }: Pick<Site, 'dir' | 'name' | 'target'>): Config {
  const settings = {
    [`pools.${name}.retention.trash_ttl`]: '0s',
    [`pools.${name}.retention.protect_live_processes`]: false,
    [`pools.${name}.disk.ballast_mb`]: 0,
  };
  return stackConfig(dir, { pool: name, target, templates: { default: join(dir, 'template') }, settings });
}

/** Makes a pool in an empty directory, with one instance that disk and catalog know. */
export async function makeSite(
  redis: Redis,
  { dir, name, target }: Pick<Site, 'dir' | 'name' | 'target'>,
): Promise<Site> {
  const config = configOf({ dir, name, target });
  await mkdir(config.stateDir, { recursive: true });
  const template = await makeTemplate(join(dir, 'template'));
  const pool = await initPool({ name, root: join(dir, 'pool'), clock: systemClock });
  const instance = instanceIdOf(name, 'request', 0);
  const spawnedAt = systemClock.now();
  const origin = { id: instance, parent: null, originCommit: 'unknown', generation: 0, spawnedAt };
  const lineage = buildLineage(origin);
  const said = { template: 'default', templateRef: 'git:unknown', version: '1.0.0' };
  const snapshot = { path: template, allocatedBytes: 0, inodes: 0, division: null };
  const own = { seed: 1, params: {}, budget: config.budget, spawnedAt, notes: '' };
  const manifest = buildManifest({ id: instance, prepared: said, lineage, ...own });
  await cloneInstance({
    charge: null,
    isLive: false,
    pool,
    prepared: snapshot,
    method: 'copy',
    id: instance,
    manifest,
    lineage,
    params: {},
  });
  const record = recordFromManifest(name, manifest, lineage);
  await writeRecord(pool, record);
  const catalog = createCatalog({ redis, pool: name });
  await catalog.adopt(record);
  await catalog.identify({ id: pool.id, method: 'copy' });
  await catalog.markReconciled({ at: spawnedAt, graceUntil: 0 });
  return { dir, name, target, pool, config, instance };
}

/** What the pruner of a worker has, without the worker's queues being served. */
export interface Served {
  readonly ctx: ServedContext;
  readonly log: AuditLog;
  close(): Promise<void>;
}

export async function serve(redis: Redis, site: Pick<Site, 'dir' | 'name' | 'target'>): Promise<Served> {
  const config = configOf(site);
  const logger = createLogger({ level: 'silent', pretty: false });
  const clock = systemClock;
  const log = await openAudit({ path: null, stateDir: config.stateDir, clock, logger });
  const ctx = await openPoolContext({ config, pool: site.name, redis, clock, logger });
  const filesystem = await findFilesystem(new Map(), ctx.pool.paths.root);
  const served = servedContext(ctx, {
    audit: log.forPool(site.name),
    filesystem,
    withDeletionClaim: createDeletionClaim(ctx.pool, clock),
    cloneSync: createCloneSync(),
    onError: () => undefined,
  });
  await loadGate(served);
  return {
    ctx: served,
    log,
    async close() {
      await closeQueues(ctx.queues);
      await log.close();
    },
  };
}

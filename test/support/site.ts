import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@spica/core';
import { initPool, type Pool } from '@spica/pool';
import { connectProducer, openQueues, type PoolQueues, type RedisTarget } from '@spica/queues';
import type { Redis } from 'ioredis';
import { type SpicaRun, spica, spicaUp, type Up } from './spica.ts';
import { makeTemplate } from './template.ts';

/** A project as a user has one: `spica.yaml`, a template, a pool, a state directory. Its programs are real processes. */
export interface Site {
  readonly dir: string;
  readonly pool: Pool;
  readonly template: string;
  readonly target: RedisTarget;
  readonly env: Readonly<Record<string, string>>;
  /** Runs one command to its end. */
  spica(...args: string[]): Promise<SpicaRun>;
  /** The same in the test's own process (`here.ts`). */
  here(...args: string[]): Promise<SpicaRun>;
  /** Starts `spica up`; `close` ends it. */
  up(): Promise<Up>;
  /** Works on the pool's queues over a connection of its own. */
  withQueues<T>(work: (queues: PoolQueues, redis: Redis) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Where the pool's root goes; in the site's directory otherwise. */
  readonly root?: string;
  /** An embedded Redis otherwise. */
  readonly redisUrl?: string;
  readonly template?: Parameters<typeof makeTemplate>[1];
  /** Further keys of the template. */
  readonly ofTemplate?: object;
  readonly retention?: Readonly<Record<string, unknown>>;
  readonly disk?: Readonly<Record<string, unknown>>;
  /** Further keys of the pool. */
  readonly poolKeys?: Readonly<Record<string, unknown>>;
  /** Further blocks of `spica.yaml`. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Makes a site whose pool is initialised, with a floor of next to nothing. */
export async function makeSite(options: SiteOptions = {}): Promise<Site> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-site-'));
  const root = options.root ?? join(dir, 'pool');
  const template = await makeTemplate(join(dir, 'template'), options.template);
  const disk = { min_free_space_gb: 0.001, min_free_inodes_percent: 0, ballast_mb: 0, ...options.disk };
  const templates = { default: { path: template, ...options.ofTemplate } };
  const main = { root, templates, retention: options.retention ?? {}, disk, ...options.poolKeys };
  const config = { server: { port: 0 }, ...options.settings, pools: { main } };
  await writeFile(join(dir, 'spica.yaml'), JSON.stringify(config)); // JSON is YAML, too
  const pool = await initPool({ name: 'main', root, clock: systemClock });
  const stateDir = join(dir, 'state');
  const env = {
    SPICA_CONFIG: join(dir, 'spica.yaml'),
    SPICA_STATE_DIR: stateDir,
    ...(options.redisUrl === undefined ? {} : { REDIS_URL: options.redisUrl }),
  };
  const target =
    options.redisUrl === undefined ? { socket: join(stateDir, 'redis.sock') } : { url: options.redisUrl };
  const started: Up[] = [];
  return {
    dir,
    pool,
    template,
    target,
    env,
    spica: (...args) => spica(args, env),
    here: async (...args) => (await import('./here.ts')).spicaHere(args, env), // many a test does without the command's code
    async up() {
      const up = await spicaUp(env);
      started.push(up);
      return up;
    },
    async withQueues(work) {
      const redis = await connectProducer(target);
      try {
        return await work(openQueues('main', redis), redis);
      } finally {
        redis.disconnect();
      }
    },
    async close() {
      for (const up of started) await up.kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

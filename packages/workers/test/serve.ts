import { mkdir } from 'node:fs/promises';
import { systemClock } from '@spica/core';
import { initPool } from '@spica/pool';
import { type SpawnRequest, submitRequest } from '@spica/queues';
import { aRequest, stackConfig } from '../../../test/support/stack.ts';
import { createLogger, type Runtime, type ServedContext, startRuntime } from '../src/index.ts';

/** Where pools are, and their Redis: they can be served again and again, as after restarts. */
export interface Place {
  /** Of the config and the state of the process that serves them. */
  readonly dir: string;
  readonly url: string;
  /** The pools' roots by their names. */
  readonly roots: Readonly<Record<string, string>>;
  readonly template: string;
  /** Further keys of each pool, and of `spica.yaml`, by dotted path. */
  readonly ofPools?: Readonly<Record<string, unknown>>;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** A process that serves pools. */
export interface Serving {
  readonly runtime: Runtime;
  of(pool: string): ServedContext;
  /** Submits a request and returns its id. */
  submit(pool: string, request?: Partial<SpawnRequest>): Promise<string>;
}

/** Makes the pools of a place. */
export async function makePools({ roots }: Pick<Place, 'roots'>): Promise<void> {
  for (const [name, root] of Object.entries(roots)) await initPool({ name, root, clock: systemClock });
}

/** Serves the pools of a place, from this process. */
export async function servePools(place: Place): Promise<Serving> {
  const target = { url: place.url };
  const [pool = ''] = Object.keys(place.roots);
  const templates = { default: place.template };
  const ofPools = Object.entries(place.roots).flatMap(([name, root]) =>
    Object.entries({
      root,
      templates,
      'disk.min_free_space_gb': 0.001,
      'disk.min_free_inodes_percent': 0,
      'disk.ballast_mb': 0,
      ...place.ofPools,
    }).map(([key, value]) => [`pools.${name}.${key}`, value]),
  );
  const settings = { ...Object.fromEntries(ofPools), ...place.settings };
  const config = stackConfig(place.dir, { target, pool, templates, settings });
  await mkdir(config.stateDir, { recursive: true });
  const logger = createLogger({ level: process.env['SPICA_TEST_LOG'] ?? 'silent', pretty: false });
  const runtime = await startRuntime({ config, target, clock: systemClock, logger });
  const of = (name: string) => {
    const ctx = runtime.pools.get(name);
    if (!ctx) throw new Error(`pool ${name} is not served`);
    return ctx;
  };
  return {
    runtime,
    of,
    submit: (name, request) =>
      submitRequest(of(name).queues, { ...aRequest(name), ...request }, { key: null, clock: systemClock }),
  };
}

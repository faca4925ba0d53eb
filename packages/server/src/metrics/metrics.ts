import type { Clock } from '@spica/core';
import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { tryReadFigures } from '../figures.ts';
import type { ServerPool } from '../pool.ts';
import type { Probe } from '../probe.ts';
import { addGauges, type PoolReading } from './gauges.ts';
import { addRedisMetrics } from './redis.ts';
import { addWork, type ServedWork } from './work.ts';

export interface MetricsOptions {
  readonly pools: readonly ServerPool[];
  readonly probe: Probe;
  readonly clock: Clock;
  readonly version: string;
  /** What this process's workers do; null where it has none, as in `spica serve`. */
  readonly work: ServedWork | null;
}

/** All metrics of this process, in a registry of their own: what else runs in it has its own. */
export interface Metrics {
  readonly registry: Registry;
  /** Reads what is read when it is asked for, and resolves with all of it in Prometheus text. */
  render(): Promise<string>;
  close(): void;
}

export function createMetrics({ pools, probe, clock, version, work }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const show = addGauges(registry, version);
  const endRedis = addRedisMetrics(registry);
  const names = pools.map(({ policy }) => policy.name);
  if (work) addWork(registry, work, names);
  return {
    registry,
    async render() {
      const problem = await probe();
      const now = clock.now();
      show(await Promise.all(pools.map((pool) => read(pool, problem === null, now))), now);
      return registry.metrics();
    },
    close: endRedis,
  };
}

/**
 * `/metrics` in Prometheus text. Always 200: where Redis is out of reach or a pool cannot be looked at, `spica_up` says so
 * and the pool's other figures are absent, not stale.
 */
export function addMetrics(app: FastifyInstance, { registry, render }: Metrics): void {
  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', registry.contentType);
    return render();
  });
}

async function read(pool: ServerPool, inReach: boolean, now: number): Promise<PoolReading> {
  const { name, retention } = pool.policy;
  const figures = inReach ? (await tryReadFigures(pool, now)).figures : null;
  return { pool: name, maxInstances: retention.maxInstances, figures };
}

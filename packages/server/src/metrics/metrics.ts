import type { Clock } from '@spica/core';
import type { FastifyInstance } from 'fastify';
import { tryReadFigures } from '../figures.ts';
import type { ServerPool } from '../pool.ts';
import type { Probe } from '../probe.ts';
import { createGauges, type PoolReading } from './gauges.ts';

export interface MetricsOptions {
  readonly pools: readonly ServerPool[];
  readonly probe: Probe;
  readonly clock: Clock;
  readonly version: string;
}

/**
 * `/metrics` in Prometheus text, read when it is asked for. Always 200: where Redis is out of reach or a pool cannot be
 * looked at, `spica_up` says so and the pool's other figures are absent, not stale.
 */
export function addMetrics(app: FastifyInstance, { pools, probe, clock, version }: MetricsOptions): void {
  const gauges = createGauges(version);
  app.get('/metrics', async (_request, reply) => {
    const problem = await probe();
    const now = clock.now();
    const readings = await Promise.all(pools.map((pool) => read(pool, problem === null, now)));
    reply.header('content-type', gauges.contentType);
    return gauges.render(readings, now);
  });
}

async function read(pool: ServerPool, inReach: boolean, now: number): Promise<PoolReading> {
  const { name, retention } = pool.policy;
  const figures = inReach ? (await tryReadFigures(pool, now)).figures : null;
  return { pool: name, maxInstances: retention.maxInstances, figures };
}

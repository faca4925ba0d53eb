import type { Clock, PressureLevel } from '@spica/core';
import { singleFlight } from '@spica/pool';
import { QUEUE_NAMES, type QueueName } from '@spica/queues';
import type { FastifyInstance } from 'fastify';
import { type PoolFigures, tryReadFigures } from '../figures.ts';
import type { ServerPool } from '../pool.ts';
import type { Probe } from '../probe.ts';

/** How a pool is, in the answer of `/healthz`. */
type PoolHealth =
  | {
      /** `served` when each of its queues has a worker, as far as Redis tells. */
      readonly state: 'served' | 'unserved';
      readonly workers: Readonly<Record<QueueName, number | null>>;
      readonly instances: number;
      readonly heldRequests: number;
      /** Null before the pool's worker has looked at the disk. */
      readonly pressure: PressureLevel | null;
      readonly disk:
        | { readonly availableBytes: number; readonly floorBytes: number }
        | { readonly problem: string };
    }
  | { readonly state: 'unknown'; readonly problem: string };

export interface HealthOptions {
  readonly pools: readonly ServerPool[];
  readonly probe: Probe;
  readonly clock: Clock;
  readonly version: string;
}

/**
 * `/readyz`, for whoever starts and watches processes: 200 once every pool is served, else 503. It says no more than that,
 * so everybody may ask.
 * `/healthz`: 200 with each pool's state and workers as long as Redis answers, 503 with the reason when it does not.
 * A pool without workers is no failure of this process, so it is reported in the body alone.
 */
export function addHealth(app: FastifyInstance, { pools, probe, clock, version }: HealthOptions): void {
  // However many ask, one look is under way.
  const isReady = singleFlight(async () => {
    if ((await probe()) !== null) return false;
    const healths = await Promise.all(pools.map((pool) => healthOf(pool, clock.now())));
    return healths.every(({ state }) => state === 'served');
  });
  app.get('/readyz', { config: { access: 'open' } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const ready = await isReady();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready' });
  });
  app.get('/healthz', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const reason = await probe();
    if (reason !== null) return reply.code(503).send({ status: 'unreachable', version, reason });
    const entries = pools.map(async (pool) => [pool.policy.name, await healthOf(pool, clock.now())] as const);
    return { status: 'ok', version, pools: Object.fromEntries(await Promise.all(entries)) };
  });
}

async function healthOf(pool: ServerPool, now: number): Promise<PoolHealth> {
  const { figures, problem } = await tryReadFigures(pool, now);
  return figures ? describe(figures) : { state: 'unknown', problem };
}

function describe({ queues, instances, held, pressure, disk }: PoolFigures): PoolHealth {
  const workers = Object.fromEntries(QUEUE_NAMES.map((name) => [name, queues[name].workers]));
  return {
    state: QUEUE_NAMES.every((name) => queues[name].workers !== 0) ? 'served' : 'unserved',
    workers: workers as Record<QueueName, number | null>,
    instances,
    heldRequests: held.requests,
    pressure,
    disk:
      'problem' in disk ? disk : { availableBytes: disk.space.availableBytes, floorBytes: disk.floor.bytes },
  };
}
